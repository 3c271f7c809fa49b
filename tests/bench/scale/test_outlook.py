"""The sums of docs/scale.md, by hand."""

from dataclasses import replace

import pytest

from elect_tino.bench.scale.command import page
from elect_tino.bench.scale.outlook import (
    OVERHEAD,
    Measured,
    Model,
    Way,
    most_gpus,
    of_one,
    outlook,
    shares,
    span,
)

MODEL, ELECT = Model("m", call=0.5, encode=1.0, steps=20), Way("ELECT", 8, 0.4)
FREE = Measured(server=0.0, driver=0.01, skip=0.002, path=300, record=200, picture=5e5)


def test_calls_are_those_of_the_paper():
    assert ELECT.calls(MODEL) == 8 * 8 + 12
    assert Way("one", 1, 0.4).calls(MODEL) == 20
    assert Way("best", 8, 1.0).calls(MODEL) == 160


def test_a_model_without_guidance_is_called_once_more_in_the_window_if_anything_is_elected():
    distilled = replace(MODEL, null=True)
    assert ELECT.calls(distilled) == ELECT.calls(MODEL) + 8 * 4  # a fifth of 20 steps
    assert Way("one", 1, 0.4).calls(distilled) == 20


def test_eight_gpus_take_an_eighth_of_the_time_for_the_same_money():
    one, eight = (outlook(1000, gpus, MODEL, ELECT, FREE, 3.6) for gpus in (1, 8))
    assert one.seconds == pytest.approx(1000 * (76 * 0.5 * (1 + OVERHEAD) + 1.0))
    assert eight.seconds == pytest.approx(one.seconds / 8)
    assert eight.dollars == pytest.approx(one.dollars) == pytest.approx(one.seconds / 1000)


def test_past_what_a_driver_feeds_more_gpus_gain_nothing_and_cost_more():
    most = round(most_gpus(MODEL, ELECT, FREE))
    assert most == pytest.approx(of_one(MODEL, ELECT, FREE) / 0.01, rel=1e-3)
    enough, twice = (outlook(1000, gpus, MODEL, ELECT, FREE) for gpus in (most, 2 * most))
    assert twice.seconds == pytest.approx(enough.seconds, rel=1e-3) == pytest.approx(10, rel=1e-3)
    assert twice.dollars == pytest.approx(2 * enough.dollars, rel=1e-3)
    assert twice.busy == pytest.approx(1)


def test_shares_are_of_the_whole():
    parts = shares(MODEL, ELECT, FREE)
    assert sum(parts.values()) == pytest.approx(1)
    assert parts["VAE and text"] == pytest.approx(1 / of_one(MODEL, ELECT, FREE))


def test_spans_are_told_in_a_unit_that_suits():
    assert [span(one) for one in (7200, 3 * 86400, 1e9)] == ["2 h", "3 days", "31.7 years"]


def test_the_page_says_what_is_assumed_and_what_is_measured():
    told = page(FREE, 2.0, "the command")
    assert "{" not in told
    assert told.count("**assumed**") == 3
    assert "| the driver, for a picture | 10.0 ms | measured" in told
