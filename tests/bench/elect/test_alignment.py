"""What the measurement of alignment rests on: pictures moved as said, elections either way."""

import pytest
import torch

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def alignment():
    from elect_tino.bench.elect import alignment

    return alignment


def test_pictures_move_by_whole_pixels_and_repeat_their_edges(alignment):
    picture = torch.arange(20.0).reshape(1, 1, 4, 5).expand(2, 3, 4, 5)
    moved = alignment.move(picture, torch.tensor([[1, 0], [0, -2]]))
    assert torch.equal(moved[0, 0, 1:], picture[0, 0, :3])
    assert torch.equal(moved[0, 0, 0], picture[0, 0, 0])
    assert torch.equal(moved[1, 0, :, :3], picture[0, 0, :, 2:])
    assert torch.equal(moved[1, 0, :, 4], picture[0, 0, :, 4])


@pytest.mark.parametrize(("share", "most"), [(0.0, 0), (0.5, 8), (1.0, 16)])
def test_so_many_candidates_are_moved(alignment, share, most):
    shifts = alignment.draw_shifts(16, share, torch.Generator().manual_seed(0))
    moved = int((shifts != 0).any(1).sum())
    assert moved <= most
    assert moved >= most * 2 // 3  # one in 25 draws is a shift of nothing
    assert int(shifts.abs().max()) == (alignment.FARTHEST if share else 0)


def test_the_faithful_but_moved_candidate_is_elected_only_when_aligned(alignment):
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(1, 3, 16, 16, generator=generator)
    source = torch.nn.functional.interpolate(rough, size=(64, 64), mode="bicubic")
    changed = source + 0.05 * torch.randn(source.shape, generator=generator)
    estimates = torch.cat([alignment.move(source, torch.tensor([[2, -1]])), changed])
    mask = torch.zeros(1, 64, 64)
    assert alignment.elect(source, estimates, mask, "pixel", align=False) == (1, None)
    elected, found = alignment.elect(source, estimates, mask, "pixel", align=True)
    assert elected == 0
    assert found.tolist() == [[2.0, -1.0], [0.0, 0.0]]
