"""Kept files: nothing runs twice, shares add up, and the report needs nothing else."""

import numpy as np
import pytest
import torch

from elect_tino.tino_core.settings import Settings

pytestmark = pytest.mark.comfy
KINDS = ("recolour", "strokes")


@pytest.fixture(scope="module")
def plan():
    from elect_tino.bench.tino.runs import Plan

    settings = Settings(num_steps=2, iterations=1)
    return Plan(settings, num_edits=2, num_ablation=2, batch_size=2, kinds=KINDS)


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.tino.models import TinoBench

    return TinoBench()


@pytest.fixture(scope="module")
def root(bench, plan, tmp_path_factory):
    from elect_tino.bench.tino.runs import run_missing

    root = tmp_path_factory.mktemp("bench")
    assert len(run_missing(bench, plan, root)) == len(plan.pieces())
    return root


@pytest.fixture
def nothing_runs(monkeypatch):
    from elect_tino.bench.tino import runs

    def refuse(*_):
        raise AssertionError("a piece of work was run again")

    monkeypatch.setattr(runs, "run_piece", refuse)


def test_a_resumed_run_reruns_nothing(bench, plan, root, nothing_runs):
    from elect_tino.bench.tino.runs import run_missing

    assert run_missing(bench, plan, root) == []


def test_only_what_is_missing_is_run(bench, plan, root):
    from elect_tino.bench.tino.runs import path_of, run_missing

    variant, batch = plan.pieces()[0]
    path = path_of(plan.folder(bench, root), variant, batch)
    before = path.read_bytes()
    path.unlink()
    assert run_missing(bench, plan, root) == [path]
    assert path.read_bytes() == before


def test_the_shares_of_two_processes_are_all_of_the_work(plan):
    from elect_tino.bench.tino.runs import Plan

    pieces = Plan(plan.settings).pieces()
    first, second = pieces[0::2], pieces[1::2]
    assert {(v.name, b.name) for v, b in first}.isdisjoint((v.name, b.name) for v, b in second)
    tino = [sum(variant.name == "tino" for variant, _ in half) for half in (first, second)]
    assert abs(tino[0] - tino[1]) <= 1


def test_the_defaults_are_what_the_issue_asks_for(plan):
    from elect_tino.bench.tino.runs import Plan

    pieces = Plan(plan.settings).pieces()
    for kind in ("recolour", "replace", "reference", "strokes", "composition"):
        edits = {i for v, b in pieces if (v.name, b.kind) == ("tino", kind) for i in b.indices}
        assert len(edits) == 60
    assert sum(len(b.indices) for v, b in pieces if v.name == "no-mask") == 30


def test_the_report_is_made_from_kept_files(bench, plan, root, nothing_runs, tmp_path):
    from elect_tino.bench.tino.report import write_report
    from elect_tino.bench.tino.results import Results

    text = write_report(Results(bench, plan, root), tmp_path).read_text()
    for part in ("Recolour by text", "Strokes", "BLD 0.75", "constant t_k", "weight decay 0.01"):
        assert part in text
    for image in ("tino_curves.png", "tino_over_iterations.png", "tino_samples.jpg"):
        assert image in text
        assert (tmp_path / "images" / image).stat().st_size > 1000


def test_the_truth_is_worth_most(bench, plan, root):
    from elect_tino.bench.tino.measure import METRICS
    from elect_tino.bench.tino.results import Results

    results = Results(bench, plan, root)
    worth = results.row("truth", "", KINDS, 0).worth
    assert (worth[:, METRICS.index("success")] == 1).all()
    nothing = results.row("given", "", ["recolour"], 0).worth
    assert (nothing[:, METRICS.index("mse")] < 1e-6).all()
    assert (nothing[:, METRICS.index("clip_i")] > worth[:2, METRICS.index("clip_i")]).all()


def test_other_settings_are_kept_apart(bench, plan, root):
    from dataclasses import replace

    from elect_tino.bench.tino.runs import load_result, path_of

    other = replace(plan, settings=replace(plan.settings, iterations=3))
    assert other.folder(bench, root) != plan.folder(bench, root)
    with pytest.raises(FileNotFoundError, match="dev.py bench tino run"):
        load_result(path_of(other.folder(bench, root), *plan.pieces()[0]))


def test_intervals_and_paired_differences():
    from elect_tino.bench.tino.measure import METRICS
    from elect_tino.bench.tino.tables import Row, interval, paired, table

    assert interval(np.full(5, 2.0)) == (2.0, 2.0, 2.0)
    mean, low, high = interval(np.array([0.0, 1.0] * 50))
    assert mean == 0.5
    assert 0.35 < low < 0.5 < high < 0.65
    worth = np.full((4, len(METRICS)), 0.25)
    worth[:, METRICS.index("clip_shown")] = np.nan
    better = worth + 0.25
    text = paired(Row("new", better), [Row("old", worth)], ["success"])
    assert "| new minus old | +25.0 [+25.0, +25.0] |" in text
    assert "CLIP-I*" not in table([Row("new", better)])


@pytest.mark.parametrize("share", ["0/2", "3/2", "2", "a/b"])
def test_a_wrong_share_is_refused(share, capsys):
    from elect_tino.bench.tino.command import parse

    with pytest.raises(SystemExit):
        parse(["run", "--part", share])
    assert "expected i/n" in capsys.readouterr().err
    assert parse(["run", "--part", "2/3"]).share == (2, 3)


def test_cost_is_given_as_ratios(tmp_path):
    import json

    from elect_tino.bench.tino.cost import _FILE, read_cost

    assert read_cost(tmp_path) == ""
    memory = {"recomputed": [40, 41, 42], "kept": [80, 160, 320]}
    ratios = {"128": [3.5, 2.5]}
    kept = {"steps": 10, "iteration": ratios, "pixels": 2.0, "memory": memory}
    (tmp_path / _FILE).write_text(json.dumps(kept))
    assert "| 128x128 | 3.50 | 2.50 |" in read_cost(tmp_path)
    assert "| 10 | 42 | 320 |" in read_cost(tmp_path)


def test_an_iteration_costs_more_than_a_pass(bench):
    from elect_tino.bench.tino.cost import forward_seconds, iteration_seconds, with_pixel_clip
    from elect_tino.bench.tino.methods import Batch, as_edit, read_batch
    from elect_tino.bench.tino.tasks import tasks

    settings = Settings(num_steps=2, iterations=3)
    with torch.inference_mode():
        inputs = read_batch(bench, Batch("recolour", range(1)), tasks("recolour", range(1)))
        edit = as_edit(bench, inputs, settings)
        iteration_seconds(edit, settings)
        forward = forward_seconds(edit, settings)
        assert 0 < forward < iteration_seconds(edit, settings)
        assert iteration_seconds(with_pixel_clip(bench, inputs, edit), settings) > 0
