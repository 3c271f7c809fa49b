"""A zoom of the whole picture: said of each candidate, undone, and held against it where asked."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.elect_core.placement import move_back

pytestmark = pytest.mark.comfy

LARGER = torch.tensor([1.012, 1.012, 0.0, 0.0])
SIDE = 256


@pytest.fixture(scope="module")
def node():
    from elect_tino.nodes.elect.lay_on_source import LayOnSource

    @torch.inference_mode()
    def run(image, source_image, fill="source", **given):
        return LayOnSource.execute(image, source_image, fill, **given)

    return run


@pytest.fixture(scope="module")
def picture():
    noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    soft = torch.nn.functional.avg_pool2d(noise, 15, 1, 7)
    return (0.5 + 3 * soft).clamp(0, 1).movedim(1, -1)


def zoomed(picture: torch.Tensor, placement: torch.Tensor) -> torch.Tensor:
    zoom, shift = placement[:2], placement[2:]
    back = torch.cat([1 / zoom, -shift / zoom])[None]
    return move_back(picture.movedim(-1, 1), back).movedim(1, -1)


def test_a_finished_picture_is_laid_on_its_source(node, picture):
    out = node(zoomed(picture, LARGER), picture)
    assert out[1] == "1.2 % larger"
    assert out.ui["text"] == ("1.2 % larger",)
    before, after = ((one - picture).abs().mean() for one in (zoomed(picture, LARGER), out[0]))
    assert after < before / 4


def test_what_is_no_longer_seen_is_filled_from_the_source_or_the_edge(node, picture):
    down = torch.tensor([1.0, 1.0, 6.0, 0.0])
    away = zoomed(picture, down)
    away[:, :6] = 0  # what came in from above
    filled, edge = (node(away, picture, fill)[0] for fill in ("source", "edge"))
    assert_close(filled[:, -6:], picture[:, -6:], atol=1e-6, rtol=0)
    assert (edge[:, -6:] - picture[:, -6:]).abs().mean() > 0.01
    assert_close(filled[:, 8:-8], picture[:, 8:-8], atol=0.05, rtol=0)


def test_each_of_a_batch_is_told_and_one_that_lies_right_is_not_touched(node, picture):
    moved = torch.tensor([0.99, 1.0, 0.0, -2.0])
    out = node(torch.cat([picture, zoomed(picture, moved)]), picture)
    assert out[1] == "1: lies on the source\n2: 1.0 % shorter, 2.0 px left"
    assert torch.equal(out[0][:1], picture)


def test_another_size_is_refused_with_the_cure(node, picture):
    with pytest.raises(ValueError, match="image: expected the source's size 256x256, got 128x256"):
        node(picture[:, :, :128], picture)


@pytest.fixture(scope="module")
def election(scene, picture):
    """Scores of three candidates, of which the second is zoomed, as `score` gives them."""
    from elect_tino.nodes.elect.placed import in_pixels, in_words, place_factor, placed
    from elect_tino.nodes.elect.selection import Selection

    source = picture.movedim(-1, 1)
    estimates = torch.cat([source, zoomed(picture, LARGER).movedim(-1, 1), source])
    weight = torch.zeros(1, 1, SIDE, SIDE)

    def run(**given):
        selection = Selection(space="pixel", **given)
        a, b, _, placements = placed(source, estimates, weight, selection)
        factor = place_factor(placements, a, selection)
        words = None if placements is None else [in_words(p) for p in in_pixels(placements, 1)]
        return a, b, factor, words

    return run


def test_a_candidates_zoom_is_said_and_undone(election):
    a, b, factor, words = election(zoom=True)
    assert words == ["", "1.2 % larger", ""]
    assert factor == 1.0
    assert a.shape[-1] == b.shape[-1] == SIDE - 2 * 2
    assert (b[1] - a[0]).abs().mean() < 0.015
    assert election()[3] is None


def test_a_candidate_that_lies_off_pays_for_each_pixel(election):
    _, _, factor, _ = election(zoom=True, keep_place=0.5)
    off = 0.012 * (2 * (SIDE - 4) ** 2 / 12) ** 0.5
    assert_close(factor, torch.tensor([1.0, 1 + 0.5 * off, 1.0]), rtol=0.05, atol=0)


def test_the_election_says_zooms_and_may_go_by_the_place(elect, scene, guiders):
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent)
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    out = elect.select(found, mask=mask, zoom=True)
    facts = out.ui["elect"][0]
    assert [len(one) for one in (facts["zooms"], facts["shifts"], facts["places"])] == [3, 3, 3]
    assert "zoom, undone before scoring" in out.ui["text"][0]
    by_place = elect.select(found, mask=mask, criterion="place").ui["elect"][0]
    assert by_place["elected"] == by_place["scores"].index(min(by_place["scores"]))
