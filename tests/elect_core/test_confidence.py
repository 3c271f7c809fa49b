"""What is said of the first's chance comes true where scores move as they are thought to."""

import math

import pytest
import torch
from torch.testing import assert_close

from elect_tino.elect_core.confidence import (
    LAPSE,
    STRETCH,
    SUREST,
    chances,
    confidence,
    fluctuation,
    moves_to_come,
)
from elect_tino.elect_core.selection import rank


def test_two_by_hand():
    """Of two that move by 1 each, the difference moves by sqrt(2)."""
    lower = 0.5 * (1 + math.erf(0.7 / math.sqrt(2) / math.sqrt(2)))
    found = chances(torch.tensor([1.0, 1.7]), 1.0)
    assert_close(found, torch.tensor([lower, 1 - lower], dtype=torch.float64), atol=1e-5, rtol=0)


def test_many_are_what_drawing_says():
    scores = torch.tensor([0.3, 0.1, 0.5, 0.15, 0.9])
    drawn = torch.randn(200_000, 5, generator=torch.Generator().manual_seed(0)) * 0.2
    naive = (scores + drawn).argmin(1).bincount(minlength=5) / len(drawn)
    assert_close(chances(scores, 0.2), naive.double(), atol=0.005, rtol=0)


@pytest.mark.parametrize("number", [2, 3, 16])
def test_equal_scores_share_alike(number):
    for moves in (0.0, 1.0):
        assert_close(chances(torch.ones(number), moves), torch.ones(number).double() / number)


def test_what_cannot_move_is_certain_and_what_moves_far_is_open():
    scores = torch.tensor([3.0, 1.0, 2.0])
    assert chances(scores, 0.0).tolist() == [0, 1, 0]
    assert_close(chances(scores, 1e4), torch.full((3,), 1 / 3).double(), atol=1e-3, rtol=0)


def test_chances_have_no_scale_and_follow_the_candidates():
    scores, order = torch.tensor([0.3, 0.1, 0.5]), [2, 0, 1]
    assert_close(chances(1000 * scores + 5, 200.0), chances(scores, 0.2), atol=1e-4, rtol=1e-4)
    assert_close(chances(scores[order], 0.2), chances(scores, 0.2)[order])


def test_random_walks_end_as_often_as_was_said():
    """Scores that do wander at random: said on average is what came true."""
    generator = torch.Generator().manual_seed(3)
    said, came = [], []
    for _ in range(400):
        path = torch.randn(6, generator=generator) + torch.randn(20, 6, generator=generator).cumsum(
            0
        )
        left = 20 - 12
        moves = moves_to_come(path[:12], left)
        assert moves is not None
        ranking = rank(path[11], moves=moves)
        said.append(float(chances(path[11], moves * float(path[11].std(correction=0))).max()))
        came.append(float(ranking.elected == int(path[-1].argmin())))
    assert sum(said) / 400 == pytest.approx(sum(came) / 400, abs=0.06)
    assert 0.3 < sum(came) / 400 < 0.7


def test_a_part_of_it_is_as_good_as_drawn():
    assert confidence(torch.tensor([0.0, 1.0]), 1e-3) == pytest.approx(1 - LAPSE / 2)
    assert confidence(torch.tensor([0.0, *[1.0] * 9]), 1e-3) == pytest.approx(1 - 0.9 * LAPSE)
    assert confidence(torch.tensor([0.0, 1.0]), 0.0) == SUREST < 1


def test_scores_are_taken_to_move_further_than_they_did():
    ranked = torch.tensor([0.0, 1.0, 3.0])
    further = float(chances(ranked, STRETCH * 0.5)[0])
    assert confidence(ranked, 0.5) == pytest.approx((1 - LAPSE) * further + LAPSE / 3)
    assert further < float(chances(ranked, 0.5)[0])


def test_fewer_steps_left_make_it_surer():
    history = torch.tensor([[1.0, 1.5, 2.0], [1.1, 1.2, 2.2]])
    moves = [moves_to_come(history, left) for left in (16, 4, 0)]
    assert moves[0] == pytest.approx(2 * moves[1])  # type: ignore[operator]
    assert moves[2] == 0
    sure = [rank(history[-1], moves=one).confidence for one in moves]
    assert sure[0] < sure[1] < sure[2]  # type: ignore[operator]


def test_scores_that_move_together_do_not_fluctuate():
    assert fluctuation(torch.tensor([[1.0, 2.0, 3.0], [0.5, 1.5, 2.5]])) == 0
    # One of two moves by 2: each is 1 off their mean; the last scores are 2 apart, 1 off.
    assert fluctuation(torch.tensor([[1.0, 1.0], [1.0, 3.0]])) == pytest.approx(1.0)


def test_fluctuation_has_no_scale_and_leaves_bad_candidates_out():
    history = torch.rand(4, 5, generator=torch.Generator().manual_seed(1))
    moved = fluctuation(history)
    assert fluctuation(1000 * history + 7) == pytest.approx(moved)
    bad = torch.cat([history, torch.full((4, 1), torch.nan)], 1)
    assert fluctuation(bad) == pytest.approx(moved)


@pytest.mark.parametrize("history", [[[1.0, 2.0]], [[1.0], [2.0]], [[1.0, 3.0], [2.0, 2.0]]])
def test_too_little_to_go_by_is_said(history):
    assert fluctuation(torch.tensor(history)) is None
    assert moves_to_come(torch.tensor(history), 4) is None
