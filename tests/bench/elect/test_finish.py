"""Finishes with the source kept are measured as the nodes make them."""

import re

import numpy as np
import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.edits import GUIDANCE, EditBench

    return EditBench(GUIDANCE["mild"], 5, "mild")


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory):
    from elect_tino.bench.elect.runs import run_edits

    folder = tmp_path_factory.mktemp("runs")
    run_edits(bench, folder, "euler", num_edits=1, num_seeds=4)
    return folder


def test_a_seam_is_a_new_edge_where_edit_and_source_meet():
    from elect_tino.bench.elect.finish import seam

    flat, stepped = np.zeros((4, 6, 3)), np.zeros((4, 6, 3))
    stepped[:, 3:] = 0.5
    soft = np.tile(np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), (4, 1))
    assert seam(stepped, (flat, flat), soft) == pytest.approx(0.5 * 255)
    assert seam(stepped, (flat, stepped), soft) == 0  # the true edit has that edge
    assert seam(stepped, (flat, flat), soft > 0.1) == 0  # it lies elsewhere
    assert seam(stepped, (flat, flat), np.zeros((4, 6))) == 0  # they meet nowhere


def test_the_ways_are_the_nodes_own(bench, folder):
    from elect_tino.bench.elect.finish import FEATHER, STOP, WAYS, ways
    from elect_tino.bench.elect.runs import load_run
    from elect_tino.nodes.elect import candidates, plan, relevance, resume
    from elect_tino.nodes.elect.finish_clean import FinishClean
    from elect_tino.nodes.elect.finishing import Otherwise

    edit, kept = bench.edit(0), load_run(folder, 0)
    with torch.inference_mode():
        run = bench.run(edit, "euler")
        found = candidates.run_candidates(plan.plan(run, [2], 2))
        mask = relevance.RelevanceMapAggregate.execute(found, 0.0, 0.2, "paper")[0]
        pictures, _ = ways(bench, edit, 0, kept, 2, mask)
        seen = dict(zip(WAYS, map(torch.from_numpy, pictures), strict=True))
        source = torch.from_numpy(edit.source)[None]
        clean = FinishClean.execute(seen["plain"][None], source, mask, FEATHER, True)[0]
        assert_close(seen["clean"], clean[0])
        blend = Otherwise(blend_mask=mask, feather=FEATHER)
        held = resume.finish(found, otherwise=blend)[1]["samples"]
        assert_close(seen["blended"], bench.decode(held)[0].clamp(0, 1), atol=1e-4, rtol=1e-4)
    assert STOP == 0.4
    assert (seen["cut"] == torch.from_numpy(edit.source)).all(-1).float().mean() > 0.5


def test_the_page_has_every_way_of_both_and_what_they_gain(tmp_path):
    from elect_tino.bench.elect.finish import COLUMNS, WAYS, Finished
    from elect_tino.bench.elect.finish_page import Model, write_finish

    seed, elected = np.zeros((2, len(WAYS), len(COLUMNS)))
    elected[list(WAYS).index("clean"), COLUMNS.index("success")] = 1
    one = Finished(seed, elected, np.ones(len(COLUMNS)), np.zeros(len(COLUMNS)))
    page = write_finish([Model("mild", [one, one])], "x", tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == page
    rows = re.findall(r"^\| (one seed|the default's choice) \| (.+?) \| (\S+)", page, re.M)
    assert [(who, float(success)) for who, _, success in rows].count(("one seed", 0)) == len(WAYS)
    assert ("the default's choice", "*FinishClean*", "100.0") in rows
    assert "| *mild* | the choice, both clean | +100.0 [+100.0, +100.0] |" in page
    assert page.count("| no edit: the source |") == 1


def test_an_edit_is_measured_once(bench, folder, monkeypatch):
    from elect_tino.bench.elect import finish

    first = finish.finished(bench, 0, folder)
    monkeypatch.setattr(finish, "ways", None)
    again = finish.finished(bench, 0, folder)
    assert all(np.array_equal(a, vars(again)[name]) for name, a in vars(first).items())
    background = finish.COLUMNS.index("background")
    plain, clean = (list(finish.WAYS).index(one) for one in ("plain", "clean"))
    assert first.elected[clean, background] < first.elected[plain, background]
    assert first.untouched[finish.COLUMNS.index("seam")] == 0
