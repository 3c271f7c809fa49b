"""Good and different: the twins of the best come after those that show something else."""

import pytest
import torch

from elect_tino.elect_core.diversity import distances, diverse_order
from elect_tino.elect_core.selection import rank

ONES = torch.ones(1, 1, 1, 2)


def flat(*values: float) -> torch.Tensor:
    """Estimates of one channel and two cells, the second one always 0."""
    return torch.tensor([[[[value, 0.0]]] for value in values])


def order(scores, estimates, number, diversity, weight=ONES, ranking=None):
    scores = torch.tensor(scores)
    return diverse_order(ranking or rank(scores), scores, estimates, weight, number, diversity)


def test_distances_are_mean_differences_where_the_edit_is():
    estimates = torch.tensor([[[[0.0, 8.0]]], [[[2.0, 0.0]]]])
    weight = torch.tensor([[[[1.0, 0.0]]]])
    assert distances(estimates, weight).tolist() == [[0, 2], [2, 0]]
    assert distances(estimates, weight * 0).tolist() == [[0, 5], [5, 0]]


def test_without_diversity_it_is_the_rank():
    assert order([0.1, 0.4, 0.2, 0.3], flat(0, 1, 2, 3), 3, 0.0) == (0, 2, 3, 1)


def test_a_twin_of_the_best_waits():
    # 1 is the best one's twin, 2 nearly as good and another picture, 3 far off and bad.
    scores, estimates = [0.10, 0.11, 0.12, 0.90], flat(0, 0, 1, 1)
    assert order(scores, estimates, 2, 0.0) == (0, 1, 2, 3)
    assert order(scores, estimates, 2, 0.5) == (0, 2, 1, 3)


@pytest.mark.parametrize("unit", [0.01, 1.0, 100.0])
def test_a_bad_one_is_not_taken_for_being_a_little_farther(unit):
    """In whatever unit scores and distances are."""
    scores = [unit * value for value in (0.10, 0.11, 0.90)]
    assert order(scores, unit * flat(0, 1, 1.2), 2, 0.3) == (0, 1, 2)
    assert order(scores, unit * flat(0, 1, 1.2), 2, 0.9) == (0, 2, 1)


def test_each_differs_from_all_before_it():
    assert order([0.1, 0.1, 0.1, 0.1], flat(0, 10, 9, 4), 3, 1.0)[:3] == (0, 1, 3)


def test_who_may_not_be_elected_is_not_taken_for_being_different():
    scores = torch.tensor([0.1, 0.2, 0.3])
    ranking = rank(scores, torch.tensor([1.0, 1.0, 0.0]), 0.5)
    assert order(scores.tolist(), flat(0, 0, 9), 2, 1.0, ranking=ranking) == (0, 1, 2)


@pytest.mark.parametrize("diversity", [0.0, 0.3, 1.0])
def test_everybody_is_in_it_once_and_the_best_first(diversity):
    generator = torch.Generator().manual_seed(1)
    estimates = torch.randn(7, 3, 4, 4, generator=generator)
    scores = torch.rand(7, generator=generator)
    found = diverse_order(rank(scores), scores, estimates, torch.ones(1, 1, 4, 4), 4, diversity)
    assert sorted(found) == list(range(7))
    assert found[0] == int(scores.argmin())
