"""BIS measures change where the mask is 0, the edit measure change where it is 1."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core.score import (
    CRITERIA,
    background_inconsistency,
    change_inside,
    consensus,
    edit_ratio,
    edit_share,
    median_estimate,
)
from elect_tino.elect_core.selection import rank

BOTH = [background_inconsistency, change_inside]


def scene(num_candidates: int = 4, *inner: int) -> tuple[Tensor, Tensor, Tensor]:
    """source, estimates and a soft relevance map."""
    inner = inner or (4, 6, 5)
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(1, *inner, generator=generator)
    estimates = source + 0.3 * torch.randn(num_candidates, *inner, generator=generator)
    return source, estimates, torch.rand(1, 1, *inner[1:], generator=generator)


def test_bis_by_hand():
    source = torch.zeros(1, 2, 1, 3)
    estimates = torch.tensor([[[[1.0, 2.0, 9.0]], [[3.0, -4.0, 9.0]]]])
    relevance = torch.tensor([[[[0.0, 0.75, 1.0]]]])
    # Channel means 2, 3, 9; weights 1, 1/4, 0
    expected = (2 + 0.25 * 3) / 1.25
    assert_close(background_inconsistency(source, estimates, relevance), torch.tensor([expected]))


def test_change_inside_by_hand():
    source = torch.zeros(1, 2, 1, 3)
    estimates = torch.tensor([[[[1.0, 2.0, 9.0]], [[3.0, -4.0, 9.0]]]])
    relevance = torch.tensor([[[[0.0, 0.75, 1.0]]]])
    expected = (0.75 * 3 + 9) / 1.75
    assert_close(change_inside(source, estimates, relevance), torch.tensor([expected]))


@pytest.mark.parametrize("inner", [(4, 6, 5), (16, 3, 4, 5), (3, 7, 2)])
def test_bis_agrees_with_a_naive_loop(inner):
    source, estimates, relevance = scene(3, *inner)
    expected = []
    for estimate in estimates:
        change = (estimate - source[0]).abs().mean(0)
        weight = 1 - relevance[0, 0]
        expected.append(float((change * weight).sum() / weight.sum()))
    scores = background_inconsistency(source, estimates, relevance)
    assert_close(scores, torch.tensor(expected))


def test_one_map_serves_all_frames():
    source, estimates, relevance = scene(3, 16, 2, 4, 5)
    one = relevance[:, :, :1]
    per_frame = one.repeat(1, 1, 2, 1, 1)
    assert_close(
        background_inconsistency(source, estimates, one),
        background_inconsistency(source, estimates, per_frame),
    )


def test_frames_weigh_by_their_own_mask():
    source, estimates = torch.zeros(1, 1, 2, 1, 1), torch.tensor([2.0, 5.0]).reshape(1, 1, 2, 1, 1)
    relevance = torch.tensor([0.0, 1.0]).reshape(1, 1, 2, 1, 1)
    assert_close(background_inconsistency(source, estimates, relevance), torch.tensor([2.0]))
    assert_close(change_inside(source, estimates, relevance), torch.tensor([5.0]))


def test_empty_mask_is_the_plain_mean_difference():
    source, estimates, relevance = scene()
    scores = background_inconsistency(source, estimates, torch.zeros_like(relevance))
    assert_close(scores, (estimates - source).abs().flatten(1).mean(1))


def test_change_outside_the_mask_counts_only_outside():
    source, _, _ = scene()
    mask = torch.zeros(1, 1, 6, 5)
    mask[..., 2:4, 1:3] = 1
    outside, inside = source + (1 - mask), source + 3 * mask
    estimates = torch.cat([outside, inside])
    assert_close(background_inconsistency(source, estimates, mask), torch.tensor([1.0, 0.0]))
    assert_close(change_inside(source, estimates, mask), torch.tensor([0.0, 3.0]))


@pytest.mark.parametrize("measure", BOTH)
def test_order_of_candidates_carries_over(measure):
    source, estimates, relevance = scene()
    order = [2, 0, 3, 1]
    scores = measure(source, estimates, relevance)
    assert_close(measure(source, estimates[order], relevance), scores[order])


@pytest.mark.parametrize("measure", BOTH)
def test_a_candidates_score_does_not_depend_on_the_others(measure):
    source, estimates, relevance = scene()
    alone = [measure(source, estimates[i : i + 1], relevance) for i in range(4)]
    assert_close(measure(source, estimates, relevance), torch.cat(alone))


@pytest.mark.parametrize("measure", BOTH)
def test_score_is_linear_in_the_scale_of_the_space(measure):
    source, estimates, relevance = scene()
    scores = measure(source, estimates, relevance)
    assert_close(measure(-2.5 * source, -2.5 * estimates, relevance), 2.5 * scores)


@pytest.mark.parametrize("measure", BOTH)
@pytest.mark.parametrize("place", [(0, 0), (5, 4)])
def test_nan_makes_that_candidates_score_nan_and_no_other(measure, place):
    source, estimates, relevance = scene()
    relevance[..., 0, 0], relevance[..., 5, 4] = 0, 1
    clean = measure(source, estimates, relevance)
    estimates[1, 2][place] = float("nan")
    scores = measure(source, estimates, relevance)
    assert bool(scores[1].isnan())
    assert_close(scores[[0, 2, 3]], clean[[0, 2, 3]])


def test_full_mask_leaves_no_background_to_score():
    source, estimates, relevance = scene()
    assert bool(
        background_inconsistency(source, estimates, torch.ones_like(relevance)).isnan().all()
    )


def test_empty_mask_leaves_no_edit_to_measure():
    source, estimates, relevance = scene()
    assert bool(change_inside(source, estimates, torch.zeros_like(relevance)).isnan().all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_score_is_float32_whatever_the_latents_are(dtype):
    source, estimates, relevance = scene()
    scores = background_inconsistency(source.to(dtype), estimates.to(dtype), relevance)
    assert scores.dtype == torch.float32
    exact = background_inconsistency(source, estimates, relevance)
    assert_close(scores, exact, rtol=0.02, atol=0.005)


def flat(*values: float) -> torch.Tensor:
    """Candidates of two cells, the left one edited: (left, right) pairs, one channel."""
    return torch.tensor(values).reshape(-1, 1, 1, 2)


LEFT = torch.tensor([[[[1.0, 0.0]]]])
NOTHING = torch.zeros(1, 1, 1, 2)


def test_ratio_is_the_change_outside_by_the_change_inside():
    scores = edit_ratio(NOTHING, flat(4.0, 1.0, 0.1, 0.05, 0.0, 0.0), LEFT)
    assert_close(scores, torch.tensor([0.25, 0.5, torch.inf]))


def test_the_median_estimate_is_the_middle_value_of_each_cell_or_of_two_the_mean():
    assert_close(median_estimate(flat(1.0, 9.0, 2.0, 3.0, 7.0, 5.0)), flat(2.0, 5.0))
    assert_close(median_estimate(flat(1.0, 9.0, 2.0, 3.0)), flat(1.5, 6.0))
    assert_close(median_estimate(flat(1.0, 9.0, torch.nan, torch.inf)), flat(1.0, 9.0))


def test_an_edit_is_what_the_region_changes_more_than_the_rest_by_the_median():
    outside, inside = torch.tensor([0.0, 2.0, 1.0, torch.nan]), torch.tensor([4.0, 5.0, 3.0, 1.0])
    shares = edit_share(outside, inside)  # 4, 3, 2 more inside
    assert_close(shares[:3], torch.tensor([4 / 3, 1.0, 2 / 3]))
    assert bool(shares[3].isnan())


def test_of_two_the_median_is_the_mean_of_both():
    shares = edit_share(torch.zeros(2), torch.tensor([1.0, 3.0]))
    assert_close(shares, torch.tensor([0.5, 1.5]))


def test_what_did_nothing_has_no_part_in_the_median():
    inside = torch.tensor([4.0, 4.0, 0.5, 0.5, 0.5])
    shares = edit_share(torch.tensor([1.0, 1.0, 0.5, 0.5, 0.5]), inside)
    assert_close(shares, torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0]))


def test_where_all_of_the_picture_changes_the_change_inside_counts_at_a_quarter():
    # Another style: nothing is left as it was, but the last two.
    outside, inside = (
        torch.tensor([5.0, 6.0, 5.0, 2.0, 0.8]),
        torch.tensor([4.0, 6.0, 5.0, 1.5, 0.8]),
    )
    shares = edit_share(outside, inside)
    assert_close(shares, 4 * inside / 4.5)  # the last is idle: the median is of four
    assert rank(outside, shares, minimum_edit=0.8).elected == 3


def test_a_change_of_the_whole_picture_does_not_raise_the_bar_for_an_edit():
    # Three that tint all of the picture, and edit it; one that edits and does nothing else.
    tinted, clean = flat(9.0, 4.0, 9.5, 4.0, 8.5, 4.0), flat(5.0, 0.2)
    estimates = torch.cat([tinted, clean])
    outside, inside = (
        measure(NOTHING, estimates, LEFT) for measure in (background_inconsistency, change_inside)
    )
    assert rank(outside, edit_share(outside, inside), minimum_edit=0.8).elected == 3
    assert rank(outside, inside / inside.median(), minimum_edit=0.8).elected != 3


def test_consensus_is_the_distance_to_the_median_everywhere():
    scores = consensus(NOTHING, flat(1.0, 9.0, 2.0, 3.0, 7.0, 5.0), LEFT)
    assert_close(scores, torch.tensor([(1 + 4) / 2, (0 + 2) / 2, (5 + 0) / 2]))


# (Two pixels, of which these have no more, tell nothing of a place.)
@pytest.mark.parametrize("name", [name for name in CRITERIA if name != "place"])
def test_a_criterion_scores_a_nan_candidate_as_nan_and_no_other(name):
    scores = CRITERIA[name](NOTHING, flat(1.0, 9.0, torch.nan, 3.0, 7.0, 5.0), LEFT)
    assert scores.isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("name", CRITERIA)
def test_a_criterion_follows_a_permutation_of_the_candidates(name):
    estimates = torch.randn(5, 4, 6, 7, generator=torch.Generator().manual_seed(3))
    source, weight, order = estimates.mean(0, keepdim=True), torch.rand(1, 1, 6, 7), [3, 0, 4, 2, 1]
    scores = CRITERIA[name](source, estimates, weight)
    assert_close(CRITERIA[name](source, estimates[order], weight), scores[order])
