"""Models of few steps: candidates that differ by a moved text, elected without a relevance map."""

import argparse
import re

import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture
def options(tmp_path):
    return argparse.Namespace(split="val", edits=1, seeds=4, folder=tmp_path / "tapes")


def test_moved_texts_give_other_candidates_kept_apart(options):
    from elect_tino.bench.edits import EditBench
    from elect_tino.bench.elect.few_steps import group

    bench = EditBench(None, 4, "flow_4", "val")
    plain, moved = (group(bench, options, jitter) for jitter in (0.0, 1.0))
    assert plain.spread[0] != moved.spread[0]
    assert len(plain.measured[0].worth) == len(moved.measured[0].worth) == 4
    again = group(bench, options, 0.0)
    assert again.measured[0].worth == pytest.approx(plain.measured[0].worth, rel=1e-3, nan_ok=True)


def test_the_page_has_a_row_for_every_choice_and_its_calls(options, tmp_path, monkeypatch):
    from elect_tino.bench.elect import few_steps

    monkeypatch.setattr(few_steps, "DOCS", tmp_path)
    monkeypatch.setattr(few_steps, "JITTERS", (0.0,))
    page = few_steps.write_few_steps(options)
    assert (tmp_path / "elect_few_steps_val.md").read_text() == page
    four = page.split("## *flow_4*")[1].split("## *flow_2*")[0]
    calls = dict(re.findall(r"^\| 0 \| (.+?) \| (\d+) \|", four, re.M))
    ours = "change mask, latent, guard 0.8"
    assert calls["vanilla (one seed)"] == "4"
    assert [calls[f"ELECT 4, stop {at}%, {ours}"] for at in (25, 50, 75)] == ["7", "10", "13"]
    assert calls[f"Best-of-4, {ours}"] == "16"
    assert len(re.findall(r"^\| \*flow_[421]\* \| 0 \|", page, re.M)) == 3
