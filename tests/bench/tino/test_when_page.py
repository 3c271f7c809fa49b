"""The page that says what to use when follows the numbers, whatever they are."""

import numpy as np
import pytest

pytestmark = pytest.mark.comfy


def entry(title, passes, gain, spread=0.0):
    """A row that gains so many points on 40 edits, or on half of them twice as many."""
    from elect_tino.bench.tino.entries import Entry
    from elect_tino.bench.tino.measure import METRICS

    base = np.zeros((40, len(METRICS)))
    worth = base.copy()
    worth[:, METRICS.index("success")] = gain / 100 + spread * (-1.0) ** np.arange(40)
    return Entry(title, passes, worth, base)


def test_the_best_row_that_one_can_pay_for():
    from elect_tino.bench.tino.when_page import affordable

    rows = [entry("dear", 50, 9), entry("cheap", 4, 5), entry("as good", 3, 5), entry("bad", 1, -2)]
    assert [affordable(rows, n).title for n in (1, 3, 10, 60)] == [
        "bad",
        "as good",
        "as good",
        "dear",
    ]
    assert affordable(rows, 0.5) is None


def test_a_gain_counts_only_where_its_interval_leaves_out_0():
    from elect_tino.bench.tino.when_page import verdict

    assert verdict(entry("", 1, 5)) == "gains"
    assert verdict(entry("", 1, -5)) == "harms"
    assert verdict(entry("", 1, 2, spread=1.0)) == "not told from nothing"


@pytest.mark.parametrize(("gain", "said"), [(3, "Seeds beat"), (8, "Gradients beat")])
def test_seeds_or_gradients_is_decided_by_the_rows(gain, said):
    from elect_tino.bench.tino.when_page import seeds_or_updates

    rows = [
        entry("best of 16 by ours", 16, 5),
        entry("best of 50 by ours", 500, 30),
        entry("10 updates by ours", 48, gain),
        entry("1 step, 10 updates by ours", 10, 40),
    ]
    text = seeds_or_updates(rows)
    assert said in text
    assert "best of 50" not in text


def test_the_way_that_gains_most_is_chosen_and_tries_where_none_does():
    from elect_tino.bench.tino.validation import choose
    from elect_tino.nodes.tino.kinds import BOTH, TRIES, UPDATES

    assert choose({TRIES: entry("", 16, 3), UPDATES: entry("", 48, 6)}) == UPDATES
    assert choose({TRIES: entry("", 16, -1), BOTH: entry("", 64, -3)}) == TRIES
