"""FinishClean: the source around the edit, without a seam and without loss."""

import pytest
import torch
from torch.testing import assert_close

from .test_finishing import right_half

pytestmark = pytest.mark.comfy


def test_clean_is_the_source_outside_and_plain_is_as_it_was(monkeypatch, tmp_path):
    import folder_paths

    from elect_tino.nodes.elect.finish_clean import FinishClean

    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path))
    source, image = torch.rand(1, 80, 64, 3), torch.rand(2, 80, 64, 3)
    out = FinishClean.execute(image, source, right_half(), 4, True)
    assert_close(out[0][:, :, :28], source.expand(2, -1, -1, -1)[:, :, :28])
    assert torch.equal(out[1], image)
    assert len(out.ui["images"]) == 4
    hard = FinishClean.execute(image, source, right_half(), 0, False)[0]
    assert torch.equal(hard[:, :, 32:], image[:, :, 32:])
    with pytest.raises(ValueError, match="source_image: expected"):
        FinishClean.execute(image, torch.rand(1, 40, 64, 3), right_half(), 4, True)


@pytest.fixture
def clean(monkeypatch, tmp_path):
    """FinishClean's first picture."""
    import folder_paths

    from elect_tino.nodes.elect.finish_clean import FinishClean

    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path))
    return lambda *given: FinishClean.execute(*given)[0]


def an_edit():
    """A source that brightens to the right, a square painted in it under a tone cast, its mask."""
    source = torch.linspace(0.2, 0.8, 64).expand(1, 64, 64)[..., None].repeat(1, 1, 1, 3)
    mask = torch.zeros(1, 64, 64)
    mask[:, 20:44, 20:44] = 1
    edited = source * 0.8 + 0.1
    edited[:, 20:44, 20:44] = torch.tensor([0.9, 0.2, 0.1])
    return source, edited, mask


def seam(picture, others, where):
    """The steepest edge that none of the other pictures has, where a mask (1, H, W) says."""
    across = picture.diff(dim=2).abs().mean(-1)
    known = torch.stack([one.diff(dim=2).abs().mean(-1) for one in others]).amax(0)
    return float((across - known)[where[..., 1:] > 0].max())


def test_a_soft_edge_shows_no_seam_and_loses_nothing_of_the_edit(clean):
    source, edited, exact = an_edit()
    grown = torch.nn.functional.max_pool2d(exact, 9, 1, 4)
    rim = torch.nn.functional.max_pool2d(grown, 17, 1, 8)
    rim = rim - torch.nn.functional.max_pool2d(exact, 3, 1, 1)  # not at the object's own edge
    hard = clean(edited, source, grown, 0, False)
    soft = clean(edited, source, grown, 16, False)
    matched = clean(edited, source, grown, 16, True)
    seams = [seam(one, (source, edited), rim) for one in (hard, soft, matched)]
    assert seams[0] > 0.02
    assert seams[1] < 0.2 * seams[0]
    assert seams[2] < 1e-4
    inside = exact[0] > 0
    assert torch.equal(soft[0][inside], edited[0][inside])


def test_the_edit_is_kept_where_a_soft_map_is_low(clean):
    source, edited, mask = an_edit()
    soft = mask * torch.linspace(0.2, 0.45, 64)  # as a relevance map is: far from 1, uneven
    inside = mask[0] > 0
    new = clean(edited, source, soft, 8, False)
    assert torch.equal(new[0][inside], edited[0][inside])
    as_it_is = clean(edited, source, soft, 0, False, 0.0)
    assert not torch.allclose(as_it_is[0][inside], edited[0][inside], atol=0.1)
