"""What is chosen on validation: the least error among the ways that keep one seed's success."""

import argparse

import numpy as np
import pytest

pytestmark = pytest.mark.comfy


def way(name: str, calls: float, error: tuple, success: tuple):
    from elect_tino.bench.elect.choice import Way

    return Way(name, np.full(2, calls), np.array(error), np.array(success))


def test_joint_error_is_a_geometric_mean_and_the_gain_that_of_the_worst_model():
    base = way("one seed", 20, (100.0, 4.0), (0.8, 0.9))
    one = way("other", 80, (50.0, 2.0 * 4), (0.9, 0.85))
    assert one.ratio(base) == pytest.approx(1.0)
    assert one.least_gain(base) == pytest.approx(-0.05)


def test_a_way_that_loses_success_on_one_model_is_not_chosen_however_low_its_error():
    from elect_tino.bench.elect.choice import chosen

    every = [
        way("one seed", 20, (100.0, 10.0), (0.8, 0.9)),
        way("fooled", 60, (1.0, 1.0), (0.3, 0.95)),
        way("cheap", 60, (50.0, 5.0), (0.8, 0.89)),
        way("dear", 320, (20.0, 2.0), (0.9, 0.9)),
    ]
    assert chosen(every, 0.25).name == "cheap"
    assert chosen(every, 1.0).name == "dear"
    assert chosen(every, 0.1).name == "one seed"


def test_the_page_is_of_validation_edits_and_leaves_the_true_mask_out(tmp_path, monkeypatch):
    from elect_tino.bench import __main__ as command
    from elect_tino.bench.elect import choice

    monkeypatch.setattr(choice, "DOCS", tmp_path)
    options = argparse.Namespace(
        of=["flow"], steps=5, seeds=4, edits=1, split="test", folder=tmp_path / "tapes"
    )
    page = command.choice(options).read_text()
    assert [one.name for one in (tmp_path / "tapes").glob("*/*")] == ["euler-4x5-2-1.5-val"]
    assert "one stop at 40%" in page
    assert "ELECT 4, stop 40%, change mask" in page
    assert "truth" not in page.split("| choice |")[1]
    assert "**" in page
