"""The relevance map says where text changes the prediction, whatever the scale and the order."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core.relevance import (
    FORMS,
    aggregate,
    change_weight,
    clip_outliers,
    mean_over_candidates,
    min_max,
    raw_relevance,
    running_mean,
    token_weight,
)

ALL_FORMS = sorted(FORMS)


def random_maps(num_steps: int, *shape: int, seed: int = 0) -> list[Tensor]:
    """Positive maps with a few outliers, as a model gives them."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).exp() ** 2 for _ in range(num_steps)]


def _reference_min_max(a: np.ndarray) -> np.ndarray:
    return (a - a.min()) / (a.max() - a.min())


def _reference_paper(steps: list[np.ndarray]) -> np.ndarray:
    means = [np.mean([_reference_min_max(m) for m in maps], axis=0) for maps in steps]
    return np.mean(means, axis=0) ** 2


def _reference_published(steps: list[np.ndarray]) -> np.ndarray:
    running = np.zeros_like(steps[0][0])
    for count, maps in enumerate(steps):
        clipped = []
        for m in maps:
            q1, q3 = np.percentile(m, [25, 75])
            clipped.append(_reference_min_max(np.minimum(m, q3 + 1.5 * (q3 - q1))))
        square = _reference_min_max(np.mean(clipped, axis=0) ** 2)
        running = (running * count + square) / (count + 1)
    return running


REFERENCES = {"paper": _reference_paper, "published": _reference_published}


def test_raw_map_sums_the_absolute_difference_over_channels():
    cond = torch.tensor([1.0, 2.0, -1.0, 0.5]).reshape(1, 2, 1, 2)
    uncond = torch.tensor([3.0, 2.0, 2.0, 0.0]).reshape(1, 2, 1, 2)
    assert_close(raw_relevance(cond, uncond), torch.tensor([[[[5.0, 0.5]]]]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_raw_map_is_float32_and_does_not_overflow(dtype):
    cond = torch.full((2, 4, 3, 3), 60000.0).to(dtype)
    raw = raw_relevance(cond, -cond)
    assert raw.dtype == torch.float32
    assert bool(raw.isfinite().all())


def test_min_max_stretches_each_candidate_alone():
    maps = torch.tensor([[1.0, 2.0, 5.0], [10.0, 30.0, 20.0]]).reshape(2, 1, 1, 3)
    expected = torch.tensor([[0.0, 0.25, 1.0], [0.0, 1.0, 0.5]]).reshape(2, 1, 1, 3)
    assert_close(min_max(maps), expected)


def test_min_max_of_a_constant_map_is_zero():
    maps = torch.stack([torch.full((1, 2, 2), 3.0), torch.arange(4.0).reshape(1, 2, 2)])
    assert_close(min_max(maps)[0], torch.zeros(1, 2, 2))
    assert min_max(maps)[1].max() == 1


def test_outliers_are_clipped_at_q3_and_a_half_iqr():
    # Quartiles of 0 1 2 3 100 are 1 and 3, so the limit is 3 + 1.5 * 2.
    maps = torch.tensor([0.0, 1.0, 2.0, 3.0, 100.0]).reshape(1, 1, 1, 5)
    assert_close(clip_outliers(maps).flatten(), torch.tensor([0.0, 1.0, 2.0, 3.0, 6.0]))


def test_mean_over_candidates_by_hand():
    maps = torch.tensor([1.0, 3.0, 2.0, 5.0]).reshape(2, 1, 1, 2)
    assert_close(mean_over_candidates(maps), torch.tensor([[[[1.5, 4.0]]]]))


def test_running_mean_counts_the_maps():
    maps = torch.tensor([2.0, 4.0, 9.0]).reshape(3, 1, 1, 1)
    assert_close(running_mean(maps).flatten(), torch.tensor([2.0, 3.0, 5.0]))


def test_paper_form_by_hand():
    steps = [torch.tensor([[[[0.0, 2.0, 4.0]]]]), torch.tensor([[[[1.0, 1.0, 3.0]]]])]
    # (0, .5, 1) and (0, 0, 1): mean (0, .25, 1), squared
    assert_close(aggregate(steps, "paper"), torch.tensor([[[[0.0, 0.0625, 1.0]]]]))


def test_published_form_by_hand():
    steps = [torch.tensor([[[[0.0, 2.0, 4.0]]]]), torch.tensor([[[[1.0, 1.0, 3.0]]]])]
    # Squares (0, .25, 1) and (0, 0, 1): nothing to clip, mean (0, .125, 1)
    assert_close(aggregate(steps, "published"), torch.tensor([[[[0.0, 0.125, 1.0]]]]))


@pytest.mark.parametrize("form", ALL_FORMS)
@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (5, 1, 6, 9), (3, 1, 2, 5, 4)])
@pytest.mark.parametrize("num_steps", [1, 4])
def test_form_agrees_with_a_naive_reference(form, shape, num_steps):
    steps = random_maps(num_steps, *shape)
    expected = REFERENCES[form]([s.double().numpy() for s in steps])
    weight = aggregate(steps, form)
    assert weight.shape == (1, *shape[1:])
    assert_close(weight[0].double().numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ALL_FORMS)
def test_window_that_starts_late_weighs_its_own_maps_alike(form):
    steps = random_maps(6, 3, 1, 6, 6)[3:]
    expected = REFERENCES[form]([s.double().numpy() for s in steps])
    assert_close(aggregate(steps, form)[0].double().numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ALL_FORMS)
def test_denoised_and_epsilon_predictions_give_the_same_map(form):
    generator = torch.Generator().manual_seed(1)
    x, text, null = torch.randn(3, 2, 4, 8, 8, generator=generator)
    from_eps, from_denoised = [], []
    for sigma in (14.6, 7.0, 0.3):
        from_eps.append(raw_relevance(text, null))
        from_denoised.append(raw_relevance(x - sigma * text, x - sigma * null))
    assert_close(aggregate(from_denoised, form), aggregate(from_eps, form), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ALL_FORMS)
def test_weight_lies_in_zero_to_one_and_uses_the_range(form):
    weight = aggregate(random_maps(1, 1, 1, 8, 8), form)
    assert weight.min() == 0
    assert weight.max() == 1


@pytest.mark.parametrize("form", ALL_FORMS)
def test_order_of_candidates_does_not_matter(form):
    steps = random_maps(3, 5, 1, 8, 8)
    shuffled = [maps[[3, 1, 4, 0, 2]] for maps in steps]
    assert_close(aggregate(shuffled, form), aggregate(steps, form))


@pytest.mark.parametrize("form", ALL_FORMS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_candidate_with_a_bad_value_is_left_out(form, bad):
    steps = random_maps(3, 4, 1, 8, 8)
    broken = [maps.clone() for maps in steps]
    for maps in broken:
        maps[2, 0, 1, 1] = bad
    others = [maps[[0, 1, 3]] for maps in steps]
    assert_close(aggregate(broken, form), aggregate(others, form))


@pytest.mark.parametrize("form", ALL_FORMS)
def test_all_candidates_bad_is_an_error(form):
    with pytest.raises(ValueError, match="every candidate's map holds a NaN"):
        aggregate([torch.full((2, 1, 4, 4), float("nan"))], form)


@pytest.mark.parametrize("form", ALL_FORMS)
def test_no_signal_gives_an_empty_mask(form):
    zero = torch.zeros(3, 1, 4, 4)
    assert_close(aggregate([zero, zero + 2], form), torch.zeros(1, 1, 4, 4))


def test_published_clip_loses_a_small_edit_on_a_flat_background():
    # A limit of the procedure: an edit of under a quarter lies above Q3, and the IQR is 0.
    maps = torch.zeros(1, 1, 10, 10)
    maps[..., :2, :] = 1
    assert not bool(aggregate([maps], "published").any())
    assert_close(aggregate([maps], "paper"), maps)


@pytest.mark.parametrize("form", ALL_FORMS)
def test_no_map_is_an_error(form):
    with pytest.raises(ValueError, match="no map was recorded in the window"):
        aggregate([], form)


def test_the_change_of_the_median_by_hand():
    median = torch.tensor([[[[0.0, 1.0, 2.0]], [[0.0, -1.0, -4.0]]]])
    assert_close(change_weight(torch.zeros(1, 2, 1, 3), median), torch.tensor([[[[0, 1 / 3, 1]]]]))


def test_tokens_say_how_far_cells_turn_by_the_median_candidate():
    source = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 3)
    turned = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]]).view(1, 2, 1, 3)
    outlier = torch.tensor([[-1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]).view(1, 2, 1, 3)
    expected = torch.tensor([[[[0.0, 0.5, 1.0]]]])
    assert_close(token_weight(source, turned), expected)
    assert_close(token_weight(source, torch.cat([turned, outlier, turned])), expected)
    assert not token_weight(source, 3 * source).any()


def test_tokens_leave_out_a_candidate_with_a_bad_value():
    estimates = torch.randn(4, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    source = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    broken = torch.cat([estimates, torch.full((1, 4, 5, 6), float("nan"))])
    assert_close(token_weight(source, broken), token_weight(source, estimates))
    assert not token_weight(source, broken[4:]).any()
