"""Quality beside cost: whose model calls are known, in what order methods are listed; intervals."""

import numpy as np
import pytest

from elect_tino.evaluation.measuring import calls_told, spent_by
from elect_tino.evaluation.results import no_edit
from elect_tino.evaluation.tables import by_calls, by_group, interval, paired

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


def drawn_anew(values: np.ndarray) -> tuple[float, float]:
    """The percentile bootstrap by hand, with other draws."""
    generator = np.random.default_rng(7)
    means = generator.choice(values, (20_000, len(values))).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def test_an_interval_is_that_of_a_bootstrap_by_hand():
    values = np.random.default_rng(1).exponential(size=40)
    mean, low, high = interval(values)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(drawn_anew(values), abs=0.03)
    assert interval(values[:1]) == (values[0],) * 3


def test_a_paired_difference_is_narrower_than_what_it_is_of():
    """Samples that differ much, of which one method is a little better each time."""
    generator = np.random.default_rng(2)
    hard, gain = generator.normal(0, 10, 30), generator.normal(1, 0.1, 30)
    records = {(str(i), "a"): {"L1": float(hard[i])} for i in range(30)}
    records |= {(str(i), "b"): {"L1": float(hard[i] - gain[i])} for i in range(30)}
    name, _, told = paired(records, "a", "b", "L1").partition(": ")
    mean, rest = told.split(" [")
    low, high = (float(word) for word in rest.split("]")[0].split(", "))
    assert (name, told.endswith("over 30")) == ("L1", True)
    assert float(mean) == pytest.approx(gain.mean(), rel=1e-3)
    assert (low, high) == pytest.approx(drawn_anew(gain), abs=0.02)


def test_the_mean_of_categories_counts_each_as_one():
    values = {"1": 1.0, "2": 3.0, "3": 10.0}
    records = {(sample, "a"): {"L1": value} for sample, value in values.items()}
    records |= {("1", "b"): {"L1": 4.0}}
    groups = {"1": "style", "2": "style", "3": "colour"}
    head, _, *rows = by_group(records, groups, ["a", "b"], "L1").splitlines()
    assert head == "| L1 | colour | style | mean of these |"
    assert rows == ["| a | 10 | 2 | 6 |", "| b | - | 4 | - |"]
