"""The contest: every row runs and is reported, once, whoever runs it."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.settings import Settings

pytestmark = pytest.mark.comfy
KINDS = ("reference", "strokes")


def small(variant):
    """A variant of four seeds, or of one update at every mark."""
    from elect_tino.bench.tino import contest_methods

    method, setup = variant.method, variant.setup
    if isinstance(method, partial) and method.func is contest_methods.seeds:
        method = partial(contest_methods.seeds, min(method.args[0], 4), 4)
    if isinstance(method, partial) and method.func is contest_methods.updates:
        method = partial(contest_methods.updates, tuple(min(mark, 1) for mark in method.args[0]))
    if setup.tried:
        setup = replace(setup, tried=(*setup.tried[:2], 4))
    return replace(variant, method=method, setup=setup)


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.tino.models import TinoBench

    return TinoBench()


@pytest.fixture(scope="module")
def plan():
    from elect_tino.bench.tino.contest_rows import CONTEST, SIDE
    from elect_tino.bench.tino.runs import Plan

    main, side = (tuple(map(small, some)) for some in (CONTEST, SIDE))
    return Plan(Settings(num_steps=2), 1, 2, 1, KINDS, main, side)


@pytest.fixture(scope="module")
def root(bench, plan, tmp_path_factory):
    from elect_tino.bench.tino.sharing import run_shared

    root = tmp_path_factory.mktemp("contest")
    made = run_shared(bench, plan, root, set(plan.named) - {"more-seeds"})
    assert len(made) == 2 * (len(plan.named) - 1)
    return root


def test_what_was_made_is_not_made_again_and_its_cost_is_kept(bench, plan, root):
    from elect_tino.bench.tino.sharing import run_shared, seconds_an_edit

    assert run_shared(bench, plan, root, set(plan.named) - {"more-seeds"}) == []
    assert seconds_an_edit(plan.folder(bench, root)).keys() == set(plan.named) - {"more-seeds"}


def test_updates_after_tries_begin_with_the_elected_noise(bench, plan, root):
    from elect_tino.bench.tino.contest_methods import begin_elected
    from elect_tino.bench.tino.methods import noise_of_try, read_batch
    from elect_tino.bench.tino.runs import load_result, path_of
    from elect_tino.bench.tino.setups import LOSSES

    variant = plan.named["tried"]
    (batch,) = (one for one in plan.batches(variant) if one.kind == "strokes")
    kept = load_result(path_of(plan.folder(bench, root), plan.named["seeds"], batch))
    with torch.inference_mode():
        inputs = read_batch(bench, batch, batch.tasks, variant.setup)
        begun = begin_elected(inputs, kept)
    losses = kept["losses"][list(LOSSES).index("ours"), :, 0]
    wanted = noise_of_try(batch.seeds, int(losses.argmin()), inputs.source.shape[1:])
    assert_close(begun.noise, wanted)
    made = load_result(path_of(plan.folder(bench, root), variant, batch))
    assert_close(made["losses"][0, 0], losses.amin(), atol=2e-3, rtol=0)


def test_the_page_has_a_row_for_all_that_ran_and_names_what_did_not(bench, plan, root, tmp_path):
    from elect_tino.bench.tino import contest_report
    from elect_tino.bench.tino.results import Results

    folder = plan.folder(bench, root)
    for name in ("ranking", "slopes"):
        (folder / f"{name}-1.md").write_text(f"## {name}\n")
    page = contest_report.write_contest(Results(bench, plan, root), "", tmp_path / "page.md")
    text = page.read_text()
    assert "Not run, so without a row: further first noises." in text
    for row in ("best of 4 by directional", "1 step, 30 updates by ours", "*bound:* 10 updates"):
        assert row in text
    assert text.count("| 50 updates by the paper's (Eq. 8) |") == 1 + len(KINDS)
    few = text.split("## Two more losses, on 2 edits")[1].split("\n## ")[0]
    assert few.count("| 10 updates by ") == text.count("| 10 updates by directional |") + 1 == 2


def test_a_claimed_piece_is_nobody_elses_and_a_let_go_one_is(tmp_path):
    from elect_tino.bench.tino.sharing import claimed

    path = tmp_path / "piece.safetensors"
    with claimed(path) as mine, claimed(path) as second:
        assert mine
        assert not second
    with claimed(path) as again:
        assert again


def test_seconds_are_of_all_edits_of_a_variant(tmp_path):
    from elect_tino.bench.tino.sharing import seconds_an_edit

    lines = [
        {"variant": "a", "edits": 3, "seconds": 3.0},
        {"variant": "a", "edits": 1, "seconds": 5},
    ]
    (tmp_path / "times.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert seconds_an_edit(tmp_path) == {"a": 2.0}


def test_every_loss_has_a_row_of_rankings_and_one_of_cosines(bench):
    from elect_tino.bench.tino.ranking import ranking_text
    from elect_tino.bench.tino.setups import EVERY_TITLE
    from elect_tino.bench.tino.slopes import slopes_text

    ranking, cosines = ranking_text(bench, 1), slopes_text(bench, 1, steps=2)
    for title in EVERY_TITLE.values():
        assert f"\n| {title} | " in cosines
        (row,) = (line for line in ranking.splitlines() if line.startswith(f"| {title} | "))
        cells = [cell.strip() for cell in row.split("|")[2:-1]]
        assert len(cells) == 10
        assert all(0 <= float(cell) <= 100 for cell in cells if cell)
