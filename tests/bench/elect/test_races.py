"""Races and confidences on recorded tapes: who is elected, at what price, what is said of it."""

import re

import pytest
import torch

pytestmark = pytest.mark.comfy
STEPS, SEEDS = 5, 4


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.edits import GUIDANCE, EditBench

    return EditBench(GUIDANCE["flow_mild"], STEPS, "flow_mild")


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory):
    from elect_tino.bench.elect.runs import run_edits

    folder = tmp_path_factory.mktemp("runs")
    run_edits(bench, folder, "euler", num_edits=2, num_seeds=SEEDS)
    return folder


@pytest.fixture(scope="module")
def one(bench, folder):
    from elect_tino.bench.elect.contest import recorded
    from elect_tino.bench.elect.runs import load_run

    with torch.inference_mode():
        return recorded(bench, bench.edit(0), load_run(folder, 0))


def test_the_page_has_every_policy_and_what_it_costs(bench, folder, tmp_path):
    from elect_tino.bench.elect.races import policies, write_races

    page = write_races(bench, folder, 2, tmp_path / "races.md", "the command")
    assert (tmp_path / "races.md").read_text() == page + "\n"
    costs = dict(re.findall(r"^\| (.+?) \| (\d+) \|", page, re.M))
    assert list(costs) == ["one seed", *(policy.name for policy in policies(SEEDS, STEPS))]
    assert costs["one seed"] == "5"
    assert costs["Best-of-4"] == "20"
    assert costs["one stop at 40%"] == str(4 * 2 + 3)
    assert costs["race *halving*"] == str(4 * 2 + 2 * 2 + 1)  # 2 after step 2, 1 after step 4


def test_best_of_n_elects_whom_the_nodes_do(bench, one):
    from elect_tino.bench.elect.races import Policy, outcome
    from elect_tino.elect_core.race import Rung
    from elect_tino.nodes.elect import candidates, plan, relevance, select

    run = bench.run(bench.edit(0), "euler")
    with torch.inference_mode():
        found = candidates.run_candidates(plan.plan(run, [0, 1, 2, 3], 4))
        mask = relevance.RelevanceMapAggregate.execute(found, 0.0, 0.2, "paper")[0]
        out = select.BISSelect.execute(found, "latent", 0.8, 0, 1, "", relevance=mask)
        facts = out.ui["elect"][0]
        assert outcome(one, Policy("", (Rung(4, 1),))) == (facts["best"], 4 * 4 + 1)


def test_a_leader_of_so_many_looks_ends_it(one):
    from elect_tino.bench.elect.races import Policy, outcome
    from elect_tino.elect_core.race import looks

    _, soon = outcome(one, Policy("", looks(2, 5, SEEDS), steady=1))
    _, late = outcome(one, Policy("", looks(2, 5, SEEDS), steady=9))
    assert (soon, late) == (4 * 2 + 3, 4 * 5)


def test_every_election_before_the_end_is_looked_at(bench, folder, tmp_path):
    from elect_tino.bench.elect.confidence import look, write_confidence
    from elect_tino.elect_core.confidence import LAPSE, STRETCH

    found = look(bench, folder, 2)
    assert {one.number for one in found} <= {2, 4}
    assert all(0 < one.said < 1 for one in found)
    said = [(one.chance(STRETCH) * (1 - LAPSE) + LAPSE / len(one.scores)) for one in found]
    assert said == pytest.approx([one.said for one in found], abs=1e-5)
    page = write_confidence([(bench, found)], tmp_path / "sure.md", " --edits 2")
    rows = re.findall(r"^\| ([\d.]+) to ([\d.]+) \| (\d+) \| ([\d.]+) \|", page, re.M)
    assert sum(int(row[2]) for row in rows) == 2 * len(found)  # of all together, and of the variant
    assert all(float(low) <= float(said) <= float(high) for low, high, _, said in rows)


def test_rates_are_over_elections_and_intervals_over_edits():
    from elect_tino.bench.elect.confidence import Look, rate

    def looked(edit: int, came: bool) -> Look:
        return Look(edit, 2, 0.4, 0.7, came, came, torch.zeros(2), 1.0)

    looks = [looked(0, True), looked(0, True), looked(0, True), looked(1, False)]
    mean, low, high = rate(looks, "came")
    assert (mean, low, high) == (0.75, 0.0, 1.0)
