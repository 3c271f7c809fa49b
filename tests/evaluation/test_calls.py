"""Quality beside cost: whose model calls are known, and in what order methods are listed."""

import pytest

from elect_tino.evaluation.measuring import calls_told, spent_by
from elect_tino.evaluation.results import no_edit
from elect_tino.evaluation.tables import by_calls

METHODS = ("no edit", "b", "b, pasted back", "a")


def test_runs_tell_before_the_user_and_pasting_back_costs_nothing_more():
    records = {("1", "b"): {"calls": 20.0}, ("2", "b"): {"calls": 30.0}, ("1", "a"): {"L1": 1.0}}
    told = {"b": 7.0, "a": 5.0}
    spent = spent_by(records, METHODS, told)
    assert spent == {"no edit": 0, "b": 25, "b, pasted back": 25, "a": 5}
    assert spent_by(records, METHODS, {}) == {"no edit": 0, "b": 25, "b, pasted back": 25}
    assert spent_by({}, METHODS, {}) == {}


def test_the_cheapest_stands_first():
    records = {("1", "a"): {"L1": 1.0}, ("1", "b"): {"L1": 0.5}, ("2", "b"): {"L1": 0.75}}
    rows = by_calls(records, {"b": 25.0, "a": 5.0}, ["L1", "L2"]).splitlines()
    assert rows[0] == "| method | calls | L1 | L2 |"
    assert rows[2:] == ["| a | 5 | 1 | - |", "| b | 25 | 0.625 | - |"]


@pytest.mark.parametrize("given", ["a", "a=", "a=many", "a=-1", "c=3", "=3"])
def test_calls_are_of_a_method_and_a_number(given: str):
    assert calls_told(["a=20"], {"a": no_edit}) == {"a": 20.0}
    with pytest.raises(ValueError, match="^--calls: expected NAME=N"):
        calls_told([given], {"a": no_edit})
