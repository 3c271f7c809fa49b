"""Races: what a text says, who goes on, and what it costs."""

import pytest
import torch

from elect_tino.elect_core.race import (
    Rung,
    from_here,
    halving,
    looks,
    parse_rungs,
    race_nfe,
    race_steps,
    run_race,
)
from elect_tino.elect_core.selection import rank


def test_rungs_are_read_as_they_are_said():
    found = parse_rungs("8@20%, 4 @ 40 %; 1@62.5%", 16, 20)
    assert found == (Rung(4, 8), Rung(8, 4), Rung(13, 1))


def test_rungs_at_which_nobody_goes_are_left_out_but_for_the_last():
    assert parse_rungs("8@20%, 4@40%, 1@60%", 4, 20) == (Rung(12, 1),)
    assert parse_rungs("8@20%, 4@40%", 3, 20) == (Rung(8, 3),)


def test_of_rungs_on_one_step_the_last_counts():
    assert parse_rungs("8@20%, 4@25%, 1@60%", 16, 4) == (Rung(1, 4), Rung(2, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rungs: expected at least one"),
        ("8@", "rungs: expected how many go on .* got '8@'"),
        ("8@20", "got '8@20'"),
        ("half@20%", "got 'half@20%'"),
        ("0@20%", "rungs: expected 1 or more candidates"),
        ("1@0%", "rungs: expected 1 or more candidates at above 0 to 100 %"),
        ("1@120%", "got '1@120%'"),
        ("4@20%, 8@40%", "rungs: expected ever fewer .* 8@40% after 4@20%"),
        ("8@40%, 4@20%", "rungs: expected ever fewer .* 4@20% after 8@40%"),
    ],
)
def test_bad_rungs_name_their_input(text, message):
    with pytest.raises(ValueError, match=message):
        parse_rungs(text, 16, 20)


@pytest.mark.parametrize("number", range(2, 65))
@pytest.mark.parametrize("num_steps", [1, 2, 4, 8, 20, 50])
def test_halving_ends_with_one_and_never_costs_more_than_all(number, num_steps):
    rungs = halving(number, num_steps)
    steps, keeps = [rung.step for rung in rungs], [rung.keep for rung in rungs]
    assert keeps[-1] == 1
    assert steps == sorted(set(steps))
    assert keeps == sorted(set(keeps), reverse=True)
    assert steps[-1] <= num_steps
    assert race_nfe(rungs, number, num_steps) <= number * num_steps


def test_one_candidate_has_no_halving():
    assert halving(1, 20) == ()


def test_a_race_costs_what_each_candidate_runs():
    rungs = (Rung(2, 8), Rung(4, 4), Rung(8, 2), Rung(12, 1))
    assert race_steps(rungs, 16) == 16 * 2 + 8 * 2 + 4 * 4 + 2 * 4
    assert race_nfe(rungs, 16, 20) == 72 + 8
    assert race_nfe((Rung(8, 1),), 16, 20) == 16 * 8 + 12  # ELECT's own
    # Who must begin again after each rung: all steps so far, every time.
    assert race_nfe(rungs, 16, 20, anew=True) == 16 * 2 + 8 * 4 + 4 * 8 + 2 * 12 + 20


def test_candidates_that_have_run_begin_at_the_rung_they_are_past():
    rungs = (Rung(2, 8), Rung(4, 4), Rung(8, 1))
    assert from_here(rungs, 4) == (Rung(4, 4), Rung(8, 1))
    assert from_here(rungs, 3) == (Rung(3, 8), Rung(4, 4), Rung(8, 1))
    assert from_here(rungs, 20) == (Rung(20, 1),)
    assert race_nfe(from_here(rungs, 4), 16, 20, started=4) == 16 * 4 + 4 * 4 + 12


class Scores:
    """Scores by step and candidate; remembers who was asked for."""

    def __init__(self, table: dict[int, list[float]], moves: float | None = None):
        self.table, self.moves, self.asked = table, moves, []

    def __call__(self, alive, rung):
        self.asked.append((rung.step, alive))
        scores = [self.table[rung.step][index] for index in alive]
        return rank(torch.tensor(scores), moves=self.moves)


def test_the_best_go_on_and_are_asked_in_the_order_they_stand():
    scores = Scores({1: [4, 3, 2, 1], 2: [0, 0, 5, 9]})
    standing = run_race((Rung(1, 2), Rung(2, 1)), 4, scores)
    assert scores.asked == [(1, (0, 1, 2, 3)), (2, (3, 2))]
    assert standing.order == (2, 3, 1, 0)
    assert (standing.elected, standing.num_left) == (2, 1)
    assert standing.ran == (1, 1, 2, 2)
    assert not standing.settled


def test_a_race_with_one_left_is_over():
    scores = Scores({1: [2, 1], 2: [0, 0]})
    standing = run_race((Rung(1, 1), Rung(2, 1)), 2, scores)
    assert standing.order == (1, 0)
    assert standing.ran == (1, 1)


def test_several_may_be_left():
    standing = run_race((Rung(1, 2),), 3, Scores({1: [3, 1, 2]}))
    assert standing.order == (1, 2, 0)
    assert standing.num_left == 2


def test_a_clear_leader_ends_it_early_and_a_close_one_does_not():
    table = {1: [1.0, 1.01, 1.02], 2: [0.1, 5.0, 5.1], 3: [0.1, 5.0, 5.1]}
    scores = Scores(table, moves=0.35)
    standing = run_race(looks(1, 3, 3), 3, scores, settled=0.9)
    assert standing.settled
    assert (standing.ran, standing.num_left) == ((2, 2, 2), 3)
    assert not run_race(looks(1, 3, 3), 3, Scores(table, moves=9.0), settled=0.9).settled
    assert run_race(looks(1, 3, 3), 3, Scores(table, moves=0.35)).ran == (3, 3, 3)


def test_a_settled_race_keeps_as_many_as_it_would_have():
    table = {1: [0.1, 5.0, 5.1, 5.2], 2: [0, 0, 0, 0]}
    for rungs in ((Rung(1, 3), Rung(2, 1)), (Rung(1, 3), Rung(2, 2), Rung(3, 1))):
        standing = run_race(rungs, 4, Scores(table, 0.1), settled=0.5)
        assert (standing.num_left, standing.elected, standing.settled) == (1, 0, True)


def test_looks_drop_nobody():
    assert looks(2, 4, 5) == (Rung(2, 5), Rung(3, 5), Rung(4, 5))
    assert looks(6, 4, 5) == (Rung(4, 5),)
