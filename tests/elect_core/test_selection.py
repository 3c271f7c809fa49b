"""The lowest finite score is elected, and the ranking says how sure that is."""

import math

import pytest
import torch
from torch.testing import assert_close

from elect_tino.elect_core.confidence import LAPSE, STRETCH, SUREST
from elect_tino.elect_core.score import edit_share
from elect_tino.elect_core.selection import rank

NAN, INF = float("nan"), float("inf")


def scores(*values: float) -> torch.Tensor:
    return torch.tensor(values)


def test_candidates_are_ordered_from_the_lowest_score():
    ranking = rank(scores(0.3, 0.1, 0.4, 0.2))
    assert ranking.order == (1, 3, 0, 2)
    assert ranking.elected == 1
    assert ranking.num_eligible == 4


def test_ties_go_to_the_lowest_index():
    assert rank(scores(0.5, 0.2, 0.5, 0.2)).order == (1, 3, 0, 2)


def test_order_follows_a_permutation_of_the_candidates():
    values, order = scores(0.3, 0.1, 0.4, 0.2), [2, 3, 1, 0]
    shuffled = rank(values[order])
    assert tuple(order[i] for i in shuffled.order) == rank(values).order


def test_scale_of_the_scores_changes_nothing():
    a = rank(scores(0.3, 0.1, 0.4), moves=0.5)
    b = rank(1000 * scores(0.3, 0.1, 0.4), moves=0.5)
    assert a.order == b.order
    assert_close(torch.tensor([a.spread, a.confidence]), torch.tensor([b.spread, b.confidence]))


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_bad_candidates_come_last_and_are_not_eligible(bad):
    ranking = rank(scores(bad, 0.4, bad, 0.1))
    assert ranking.order == (3, 1, 0, 2)
    assert ranking.num_eligible == 2


def test_bad_candidates_do_not_enter_spread_and_confidence():
    with_bad, without = rank(scores(NAN, 0.4, INF, 0.1, 0.2)), rank(scores(0.4, 0.1, 0.2))
    assert with_bad.spread == without.spread
    assert with_bad.confidence == without.confidence


def test_all_bad_is_a_clear_error():
    with pytest.raises(ValueError, match="all 3 candidates are NaN or infinite.*precision"):
        rank(scores(NAN, INF, NAN))


def test_spread_and_confidence_by_hand():
    ranking = rank(scores(1.0, 3.0), moves=1.0)
    assert ranking.spread == 1.0  # (3 - 1) / mean of 2
    # Each moves by STRETCH times their deviation of 1, their difference by sqrt(2) more; 2 apart.
    ahead = 0.5 * (1 + math.erf(2 / (STRETCH * math.sqrt(2)) / math.sqrt(2)))
    assert ranking.confidence == pytest.approx((1 - LAPSE) * ahead + LAPSE / 2, abs=1e-4)


def test_seeds_that_do_not_differ_give_no_spread_and_no_confidence():
    ranking = rank(scores(0.2, 0.2, 0.2), moves=0.5)
    assert (ranking.elected, ranking.spread) == (0, 0.0)
    assert ranking.confidence == pytest.approx(1 / 3)


def test_unchanged_backgrounds_have_no_spread():
    assert rank(scores(0.0, 0.0)).spread == 0.0


def test_two_candidates_are_never_certain():
    assert rank(scores(0.2, 0.1), moves=0.0).confidence == SUREST < 1
    assert rank(scores(0.2, 0.1), moves=100.0).confidence == pytest.approx(0.5, abs=0.01)


def test_nothing_known_of_the_moves_is_no_confidence():
    assert rank(scores(0.2, 0.1)).confidence is None


@pytest.mark.parametrize(("moves", "final"), [(None, False), (0.3, False), (0.0, True)])
def test_an_order_is_final_where_nothing_moves_any_more(moves, final):
    assert rank(scores(0.2, 0.1), moves=moves).final is final


@pytest.mark.parametrize("made", [2, 3, 4])
def test_of_two_to_four_candidates_the_ones_that_did_nothing_are_passed_over(made):
    """However many of them did nothing, as long as one made the edit."""
    for lazy in range(1, made):
        inside = torch.tensor([0.02] * lazy + [1.0] * (made - lazy))
        outside = torch.tensor([0.015] * lazy + [0.1] * (made - lazy))
        did_nothing = torch.tensor([True] * lazy + [False] * (made - lazy))
        ranking = rank(outside, edit_share(outside, inside), 0.8, idle=did_nothing)
        assert ranking.elected == lazy
        assert (ranking.num_idle, ranking.num_small) == (lazy, lazy)


def test_where_all_did_nothing_all_may_be_elected():
    outside, inside = torch.tensor([0.1, 0.2]), torch.tensor([0.1, 0.2])
    ranking = rank(outside, edit_share(outside, inside), 0.8, torch.tensor([True, True]))
    assert (ranking.elected, ranking.num_idle) == (0, 2)


def test_one_candidate_is_elected_without_a_rival():
    ranking = rank(scores(0.2))
    assert (ranking.order, ranking.spread, ranking.confidence) == ((0,), 0.0, 1.0)


def test_minimum_edit_passes_over_a_candidate_without_an_edit_and_takes_one_that_reaches_it():
    values, shares = scores(0.01, 0.2, 0.1), torch.tensor([0.05, 1.0, 0.5])
    assert rank(values, shares).elected == 0
    ranking = rank(values, shares, minimum_edit=0.5)
    assert ranking.order == (2, 1, 0)
    assert ranking.num_eligible == 2
    assert rank(values, shares, minimum_edit=0.51).order == (1, 0, 2)
    assert rank(values, 2 * shares, minimum_edit=1.0).order == ranking.order


def test_passed_over_candidates_come_before_bad_ones():
    values, shares = scores(NAN, 0.01, 0.3, 0.2), torch.tensor([NAN, 0.0, 1.0, 1.0])
    assert rank(values, shares, minimum_edit=0.5).order == (3, 2, 1, 0)


def test_spread_and_confidence_are_those_of_the_eligible():
    values, shares = scores(0.01, 1.0, 2.0, 6.0), torch.tensor([0.0, 1.0, 1.0, 1.0])
    ranking = rank(values, shares, minimum_edit=0.5, moves=0.0)
    assert ranking.spread == pytest.approx(5 / 3)
    assert ranking.confidence == SUREST
    assert ranking.num_small == 1


def test_minimum_edit_with_an_empty_mask_says_what_to_change():
    with pytest.raises(ValueError, match="minimum_edit: the mask is empty"):
        rank(scores(0.1, 0.2), torch.tensor([NAN, NAN]), minimum_edit=0.5)


def test_empty_mask_is_no_matter_without_a_minimum_edit():
    assert rank(scores(0.2, 0.1), torch.tensor([NAN, NAN])).elected == 1


@pytest.mark.parametrize("share", [1.5, NAN])
def test_minimum_edit_above_the_median_is_refused(share):
    with pytest.raises(ValueError, match="minimum_edit: expected a share from 0 to 1, got"):
        rank(scores(0.1, 0.2), torch.tensor([1.0, 1.0]), minimum_edit=share)
