"""Fractions of a schedule become step counts, and a run's cost follows from them."""

import pytest
import torch

from elect_tino.elect_core.schedule import (
    Cost,
    best_of_n_nfe,
    elect_nfe,
    step_count,
    step_of_sigma,
    window_steps,
)

SIGMAS = torch.tensor([14.0, 7.0, 3.0, 1.0, 0.0])


def test_a_schedule_of_one_step_is_run_whole():
    assert step_count(0.01, 1) == step_count(1.0, 1) == 1


@pytest.mark.parametrize(
    ("fraction", "num_steps", "expected"),
    [(0.4, 100, 40), (0.3, 10, 3), (0.4, 28, 11), (0.25, 10, 3), (0.001, 20, 1), (1.0, 20, 20)],
)
def test_stop_is_the_rounded_share_of_steps_and_at_least_one(fraction, num_steps, expected):
    assert step_count(fraction, num_steps) == expected


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.01, float("nan")])
def test_stop_outside_the_schedule_names_the_input(fraction):
    with pytest.raises(ValueError, match=f"stop: expected a fraction.* got {fraction}"):
        step_count(fraction, 20)


def test_the_error_names_the_input_it_was_told():
    with pytest.raises(ValueError, match="window_end: "):
        step_count(2, 20, "window_end")


def test_schedule_without_a_step_is_refused():
    with pytest.raises(ValueError, match="sigmas: expected at least one step, got 0"):
        step_count(0.4, 0)


@pytest.mark.parametrize(
    ("start", "end", "num_recorded", "expected"),
    [
        (0.0, 0.2, 8, range(0, 4)),
        (0.1, 0.2, 8, range(2, 4)),
        (0.1, 0.11, 8, range(2, 3)),  # never empty
        (0.0, 0.5, 4, range(0, 4)),  # never past what was recorded
        (0.0, 1.0, 20, range(0, 20)),
    ],
)
def test_window_covers_its_share_of_twenty_steps(start, end, num_recorded, expected):
    assert window_steps(start, end, 20, num_recorded) == expected


@pytest.mark.parametrize(("start", "end"), [(0.2, 0.2), (0.3, 0.2), (-0.1, 0.2), (0.0, 1.1)])
def test_window_empty_reversed_or_outside_is_refused(start, end):
    with pytest.raises(ValueError, match="window_start < window_end.* got"):
        window_steps(start, end, 20, 8)


def test_window_after_the_stop_says_what_to_change():
    with pytest.raises(ValueError, match="begins at step 11, .* after step 8 of 20.*raise stop"):
        window_steps(0.5, 0.6, 20, 8)


@pytest.mark.parametrize(("sigma", "expected"), [(7.0, 1), (6.9, 2), (13.9, 1), (1.0, 3), (0.0, 4)])
def test_stop_sigma_runs_until_the_level_is_reached(sigma, expected):
    assert step_of_sigma(SIGMAS, sigma) == expected


@pytest.mark.parametrize("sigma", [14.0, 15.0, -1.0, float("nan")])
def test_stop_sigma_outside_the_schedule_is_refused(sigma):
    with pytest.raises(ValueError, match="stop_sigma: .* from 0 to below 14"):
        step_of_sigma(SIGMAS, sigma)


def test_stop_sigma_below_a_partial_schedule_is_refused():
    with pytest.raises(ValueError, match="stop_sigma: .* from 3 to below 14"):
        step_of_sigma(SIGMAS[:3], 2.0)


def test_the_papers_example_costs_500_against_1100():
    assert elect_nfe(11, step_count(0.4, 100), 100) == 500
    assert best_of_n_nfe(11, 100) == 1100


def test_one_candidate_costs_the_plain_run():
    assert elect_nfe(1, 8, 20) == 20


def test_a_stop_at_the_end_costs_best_of_n():
    assert elect_nfe(11, 20, 20) == best_of_n_nfe(11, 20)


def test_finishing_several_candidates_costs_the_rest_of_each():
    assert elect_nfe(8, 8, 20, num_elected=3) == 8 * 8 + 3 * 12


def test_costs_add_up():
    total = Cost(2, 6) + Cost(nfe=1, model_evaluations=1) + Cost()
    assert total == Cost(nfe=3, model_evaluations=7)
