"""Phase correlation finds whole-picture shifts, and undoing them gives the score its sense back."""

import numpy as np
import pytest
import torch
from scipy.ndimage import shift as move
from skimage.data import astronaut
from skimage.registration import phase_cross_correlation
from torch.testing import assert_close

from elect_tino.elect_core.alignment import common_view, global_shift, undo_shift
from elect_tino.elect_core.score import background_inconsistency


def picture(side: int = 96) -> np.ndarray:
    """A photograph, (3, side, side) in [0, 1]."""
    return astronaut()[60 : 60 + side, 180 : 180 + side].transpose(2, 0, 1).astype(np.float32) / 255


def moved(image: np.ndarray, down: float, right: float) -> torch.Tensor:
    return torch.from_numpy(move(image, (0, down, right), order=3, mode="nearest"))[None]


def test_whole_pixel_shifts_are_found_exactly():
    image = picture()
    wanted = [(0, 0), (2, -1), (-1, 3), (1, 1)]
    estimates = torch.cat([moved(image, *one) for one in wanted])
    found = global_shift(torch.from_numpy(image)[None], estimates, limit=8, per_cell=1)
    assert found.tolist() == [list(map(float, one)) for one in wanted]


@pytest.mark.parametrize("shift", [(0.25, 0.0), (-0.5, 0.25), (0.75, -0.75)])
def test_fractions_agree_with_scikit_image(shift):
    image = picture()
    estimate = moved(image, *shift)
    found = global_shift(torch.from_numpy(image)[None, :1], estimate[:, :1], limit=2, per_cell=16)
    window = np.outer(np.hanning(96), np.hanning(96))
    wanted, _, _ = phase_cross_correlation(
        image[0] * window, estimate[0, 0].numpy() * window, upsample_factor=16
    )
    # skimage says how to move back, and its grid lies beside ours by up to half a point.
    assert_close(found[0], -torch.from_numpy(wanted).float(), atol=1 / 16, rtol=0)
    assert_close(found[0], torch.tensor(shift), atol=0.13, rtol=0)


def test_shift_beyond_the_limit_is_not_looked_for():
    image = picture()
    source = torch.from_numpy(image)[None]
    for down in (6, 3, -3, -6):
        found = global_shift(source, moved(image, down, 0), limit=2, per_cell=1)
        assert float(found.abs().max()) <= 2


def test_undoing_a_shift_restores_what_both_show():
    image = picture()
    source = torch.from_numpy(image)[None]
    estimates = torch.cat([moved(image, 2, -1), moved(image, 0, 0)])
    shifts = torch.tensor([[2.0, -1.0], [0.0, 0.0]])
    back = undo_shift(estimates, shifts)
    view = common_view(back, shifts)
    assert view.shape[-2:] == (92, 92)
    assert_close(view[:1], common_view(source, shifts), atol=1e-4, rtol=0)
    assert torch.equal(back[1], estimates[1])


def test_a_local_edit_does_not_look_like_a_shift():
    image = picture()
    edited = torch.from_numpy(image).clone()[None]
    edited[:, :, 30:60, 30:60] = torch.tensor([0.9, 0.1, 0.1])[None, :, None, None]
    found = global_shift(torch.from_numpy(image)[None], edited, limit=8, per_cell=1)
    assert found.tolist() == [[0.0, 0.0]]


def test_frames_of_a_video_move_together():
    image = torch.from_numpy(picture())
    source = torch.stack([image, image.flip(-1)], 1)[None]
    estimate = source.roll((1, -2), (-2, -1))
    found = global_shift(source, estimate, limit=4, per_cell=1)
    assert found.tolist() == [[1.0, -2.0]]
    assert undo_shift(estimate, found).shape == source.shape


def test_shifted_but_faithful_candidate_beats_a_damaged_one_only_when_aligned():
    image = picture()
    source, nothing = torch.from_numpy(image)[None], torch.zeros(1, 1, 96, 96)
    generator = torch.Generator().manual_seed(0)
    damaged = source + 0.04 * torch.randn(source.shape, generator=generator)
    estimates = torch.cat([moved(image, 2, 1), damaged])
    plain = background_inconsistency(source, estimates, nothing)
    shifts = global_shift(source, estimates, limit=8, per_cell=1)
    views = [common_view(one, shifts) for one in (source, undo_shift(estimates, shifts), nothing)]
    aligned = background_inconsistency(*views)
    assert plain[0] > plain[1]
    assert aligned[0] < aligned[1]
