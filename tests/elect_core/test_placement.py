"""Placements: known zooms and shifts are found, and an edit is not taken for one."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from elect_tino.elect_core.placement import (
    ON_SOURCE,
    displacement,
    find_placements,
    in_view,
    move_back,
    off_source,
)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Soft shapes and some grain, (1, 3, h, w)."""
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    coarse = F.interpolate(noise, scale_factor=0.25, mode="bilinear")
    return F.interpolate(coarse, size=(height, width), mode="bicubic") + 0.1 * noise


def put(source: torch.Tensor, placement: torch.Tensor) -> torch.Tensor:
    """What a model would give back that puts the source's points there."""
    zoom, shift = placement[:2], placement[2:]
    return move_back(source, torch.cat([1 / zoom, -shift / zoom])[None])


def everywhere(source: torch.Tensor) -> torch.Tensor:
    return torch.ones(1, 1, *source.shape[-2:])


@pytest.mark.parametrize("size", [(128, 128), (64, 96), (520, 384)])
@pytest.mark.parametrize(
    "placement",
    [(1.02, 0.99, 1.5, -2.0), (0.97, 0.97, 0, 0), (1.05, 1.03, -4.0, 5.0), (1.0, 1.0, 0.0, 3.0)],
)
def test_known_placements_are_found(size, placement):
    source, truth = picture(*size), torch.tensor(placement)
    (found,) = find_placements(source, put(source, truth), everywhere(source))
    assert_close(found[:2], truth[:2], atol=1.5e-3, rtol=0)
    assert_close(found[2:], truth[2:], atol=0.03, rtol=0)


def test_a_point_lies_where_the_definition_says():
    dot = torch.zeros(1, 1, 65, 65)
    dot[..., 42, 32] = 1  # ten cells below the centre
    moved = put(dot, torch.tensor([1.1, 1.0, 3.0, 0.0]))
    at = int(moved[0, 0, :, 32].argmax())
    assert at == 32 + 1.1 * 10 + 3


def test_what_lies_on_the_source_is_left_as_it_is():
    source = picture(64, 64)
    noisy = source + 0.05 * picture(64, 64, seed=1)
    found = find_placements(source, torch.cat([source, noisy]), everywhere(source))
    assert found.tolist() == [list(ON_SOURCE)] * 2
    assert torch.equal(move_back(source, found[:1]), source)


def test_an_edit_a_change_of_light_and_of_colour_do_not_hide_a_zoom():
    source, truth = picture(128, 128), torch.tensor([1.015, 1.015, -1.0, 2.0])
    edited = source.clone()
    edited[..., 30:80, 40:90] = picture(50, 50, seed=7)
    changed = 0.8 * put(edited, truth) + torch.tensor([0.3, -0.1, 0.0]).view(1, 3, 1, 1)
    (found,) = find_placements(source, changed, everywhere(source))
    assert_close(found, truth, atol=0.1, rtol=2e-3)
    masked = everywhere(source)
    masked[..., 30:80, 40:90] = 0
    (better,) = find_placements(source, changed, masked)
    assert_close(better, truth, atol=0.1, rtol=2e-3)


@pytest.mark.parametrize("zoom", [0.88, 1.12])
def test_a_zoom_further_than_is_believed_is_taken_for_another_picture(zoom):
    source = picture(128, 128)
    zoomed = put(source, torch.tensor([zoom, zoom, 0.0, 0.0]))
    assert find_placements(source, zoomed, everywhere(source)).tolist() == [list(ON_SOURCE)]


def test_nothing_is_found_in_what_cannot_be_compared():
    source = picture(64, 64)
    other, flat = picture(64, 64, seed=3), torch.zeros_like(source)
    broken = source.clone()
    broken[..., 3, 3] = torch.nan
    found = find_placements(source, torch.cat([other, flat, broken]), everywhere(source))
    assert found.tolist() == [list(ON_SOURCE)] * 3
    assert find_placements(source, other, 0 * everywhere(source)).tolist() == [list(ON_SOURCE)]


def test_frames_of_a_video_move_together():
    source = torch.stack([picture(64, 64, seed) for seed in range(3)], 2)
    truth = torch.tensor([1.03, 1.03, 0.0, 1.0])
    moved = torch.stack([put(source[:, :, t], truth) for t in range(3)], 2)
    weight = torch.ones(1, 1, 3, 64, 64)
    (found,) = find_placements(source, moved, weight)
    assert_close(found, truth, atol=0.05, rtol=2e-3)
    assert move_back(moved, found[None]).shape == source.shape


def test_displacement_is_the_root_mean_square_over_the_picture():
    placements = torch.tensor([[1, 1, 3.0, 4.0], [1.02, 0.99, 0, 0]])
    y, x = torch.linspace(-50, 50, 4001)[:, None], torch.linspace(-100, 100, 4001)
    mean = float(((0.02 * y) ** 2 + (0.01 * x) ** 2).mean().sqrt())
    off = displacement(placements, 100, 200)
    assert_close(off, torch.tensor([5.0, mean]), rtol=1e-3, atol=0)


def test_the_common_view_is_what_every_estimate_shows():
    assert in_view(100, 100, torch.tensor([[1.0, 1.0, 0.0, 0.0]])) == (0, 0)
    assert in_view(100, 200, torch.tensor([[1.04, 1.0, 1.0, -3.0], [1, 1, 0, 0]])) == (3, 3)
    three = torch.tensor([[1.04, 1.0, 1.0, -3.0], [1, 1, 0, 0], [0.982, 1.045, 0, 0]])
    assert in_view(100, 200, three) == (3, 5)


def test_off_source_ranks_the_one_that_was_not_moved_first():
    source = picture(96, 96)
    moved = [put(source, torch.tensor([zoom, zoom, 0.0, 0.0])) for zoom in (1.02, 1.0, 1.01)]
    broken = torch.full_like(source, torch.nan)
    off = off_source(source, torch.cat([*moved, broken]), 0 * everywhere(source))
    assert off.argsort()[:3].tolist() == [1, 2, 0]
    assert off[1] == 0
    assert off[3].isnan()
