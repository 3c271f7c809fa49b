"""The benchmark elects as the nodes do, and its intervals are of the edits."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from elect_tino.bench.elect.rules import PAPER, Rule

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.edits import GUIDANCE, EditBench

    return EditBench(GUIDANCE["editing"], 4)


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory):
    from elect_tino.bench.elect.runs import run_edits

    folder = tmp_path_factory.mktemp("runs")
    run_edits(bench, folder, "euler", num_edits=1, num_seeds=4)
    return folder


def test_a_kept_tape_elects_whom_the_nodes_elect(bench, folder):
    from elect_tino.bench.elect.measure import measure_edit
    from elect_tino.nodes.elect import candidates, plan, relevance, select

    run = bench.run(bench.edit(0), "euler")
    with torch.inference_mode():
        found = candidates.run_candidates(plan.plan(run, [0, 1, 2, 3], 2))
        mask = relevance.RelevanceMapAggregate.execute(found, 0.0, 0.2, "paper")[0]
        chosen = select.BISSelect.execute(found, "latent", 0, 0, 1, "", relevance=mask)
    elected = measure_edit(bench, 0, folder).elected[tuple(PAPER), 0.5, 4]
    assert elected == [found.seeds.index(chosen[1])]


def test_a_tape_holds_every_step_and_is_not_run_twice(bench, folder, monkeypatch):
    from elect_tino.bench.elect import runs

    kept = runs.load_run(folder, 0)
    assert kept.estimates.shape == (4, 4, 4, 16, 16)
    assert kept.maps.shape == (4, 4, 1, 16, 16)
    monkeypatch.setattr(runs, "record", None)
    runs.run_edits(bench, folder, "euler", num_edits=1, num_seeds=4)


def test_the_truth_scores_as_success_and_the_source_as_no_edit(bench):
    from elect_tino.bench.elect.worth import METRICS, judge_pictures

    edit = bench.edit(0)
    truth, source = judge_pictures(edit, np.stack([edit.target, edit.source]), edit.source)
    for metric, of_truth, of_source in (("success", 1, 0), ("no_edit", 0, 1), ("mse", 0, 0)):
        column = METRICS.index(metric)
        assert (truth[column], source[column]) == (of_truth, of_source)


def measured_as(worth, elected):
    """A measurement whose pasted pictures are worth the same, and whose source is worth nothing."""
    from elect_tino.bench.elect.measure import MAPS, Measured
    from elect_tino.bench.elect.worth import METRICS

    return Measured(worth, elected, np.zeros(len(MAPS)), worth, np.zeros(len(METRICS)))


def made_up(num_edits: int):
    """Candidate 1 of 2 is always elected and always right; candidate 0 is wrong."""
    from elect_tino.bench.elect.worth import METRICS

    worth = np.zeros((2, len(METRICS)))
    worth[1, METRICS.index("success")] = 1
    worth[0, METRICS.index("mse")] = 8
    elected = {(tuple(PAPER), stop, 2): [1] for stop in (0.4, 1.0)}
    return [measured_as(worth, elected) for _ in range(num_edits)]


def test_policies_average_over_edits_and_count_their_cost():
    from elect_tino.bench.elect.policies import elect, evaluate, oracle, paired_gain, vanilla

    measured = made_up(5)
    assert evaluate(vanilla(20), measured).of("success")[0] == 0.5
    assert evaluate(vanilla(20), measured).of("mse")[0] == 4
    policy = elect(PAPER, 0.4, 2, 20)
    assert policy.nfe == 2 * 8 + 12
    assert evaluate(policy, measured).of("success") == (1, 1, 1)
    assert elect(PAPER, 1.0, 2, 20).nfe == oracle(2, 20).nfe == 40
    assert evaluate(oracle(2, 20), measured).of("mse")[0] == 0
    assert paired_gain(policy, vanilla(20), measured, "mse") == (-4, -4, -4)


def test_agreement_is_the_share_that_chose_the_same_at_the_end():
    from elect_tino.bench.elect.stops import agreement

    def one(early: list[int]):
        ends = {(tuple(PAPER), 0.4, 2): early, (tuple(PAPER), 1.0, 2): [0, 3]}
        return measured_as(np.zeros((4, 6)), ends)

    measured = [one([0, 3]), one([0, 2]), one([1, 2]), one([0, 3])]
    share, low, high = agreement(measured, PAPER, 0.4, 2)
    assert share == 0.625
    assert 0 <= low < share < high <= 1
    assert agreement(measured, PAPER, 1.0, 2) == (1, 1, 1)


def test_noise_over_signal_is_one_scale_for_both_models(bench):
    from elect_tino.bench.edits import GUIDANCE, EditBench

    flow = EditBench(GUIDANCE["flow"], 4, "flow")
    assert_close(torch.tensor(bench.noise_to_signal), bench.sigmas[:-1])
    assert flow.noise_to_signal == [float("inf"), 3.0, 1.0, pytest.approx(1 / 3)]
    assert flow.run_fingerprint != bench.run_fingerprint


def test_flow_benchmark_has_a_page_of_its_own(tmp_path, monkeypatch):
    from elect_tino.bench.edits import GUIDANCE, EditBench
    from elect_tino.bench.elect import report
    from elect_tino.bench.elect.measure import measure_edit
    from elect_tino.bench.elect.runs import run_edits

    monkeypatch.setattr(report, "DOCS", tmp_path / "docs")
    bench = EditBench(GUIDANCE["flow"], 5, "flow")
    run_edits(bench, tmp_path, "euler", num_edits=2, num_seeds=16)
    measured = [measure_edit(bench, index, tmp_path) for index in range(2)]
    section = report.Section(bench, "euler", measured)
    page = report.write_report([section], " --variant flow", [section])
    assert page.name == "elect_benchmark_flow.md"
    text = page.read_text()
    assert text.count("| 40% | 35 | 4.00 |") == 3  # its own table, and two beside each other
    assert (tmp_path / "docs" / "images" / "elect_benchmark_flow_euler.png").exists()
    apart = report.write_report([report.Section(bench, "euler_ancestral", measured)], "")
    assert apart.name == "elect_benchmark_flow_ancestral.md"


def test_intervals_hold_the_mean_and_shrink_with_more_edits():
    from elect_tino.bench.elect.policies import evaluate, vanilla
    from elect_tino.bench.elect.worth import METRICS

    rng = np.random.default_rng(1)

    def width(num_edits: int) -> float:
        measured = [measured_as(rng.normal(size=(4, len(METRICS))), {}) for _ in range(num_edits)]
        mean, low, high = evaluate(vanilla(20), measured).of("mse")
        assert low < mean < high
        return high - low

    assert width(400) < width(25) / 2


def test_iou_of_a_map_that_is_the_truth_is_one():
    from elect_tino.bench.elect.measure import _iou

    truth = torch.zeros(1, 128, 128)
    truth[..., 32:64, 64:96] = 1
    assert_close(_iou(truth, truth), 1.0)
    assert _iou(1 - truth, truth) == 0


def test_its_decoder_is_that_of_the_nodes(bench):
    latents = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert_close(bench.decode(latents), bench.vae.decode(latents), atol=1e-4, rtol=0)


def test_doing_nothing_buys_the_background_and_pasting_back_leaves_the_edit(bench, folder):
    from elect_tino.bench.elect.measure import measure_edit
    from elect_tino.bench.elect.policies import elect, evaluate, pasted_seed, untouched, vanilla
    from elect_tino.bench.elect.worth import METRICS

    measured = [measure_edit(bench, 0, folder, stops=(0.5, 1.0))]
    nothing = evaluate(untouched(), measured)
    assert nothing.of("mse")[0] == 0
    assert nothing.of("no_edit")[0] == 1
    assert nothing.policy.nfe == 0
    plain, pasted = (evaluate(one(4), measured) for one in (vanilla, pasted_seed))
    assert pasted.of("mse")[0] < plain.of("mse")[0]
    elected = elect(PAPER, 0.5, 4, 4, pasted=True)
    row = measured[0].elected[tuple(PAPER), 0.5, 4][0]
    column = METRICS.index("mse")
    assert evaluate(elected, measured).of("mse")[0] == measured[0].pasted[row, column]


def test_pasting_back_takes_the_source_where_the_map_is_low():
    from elect_tino.bench.elect.worth import paste_back

    mask = np.array([[0.1] * 2, [0.9] * 2])
    found = paste_back(np.ones((1, 2, 2, 3)), np.zeros((2, 2, 3)), mask)
    assert (found[0, 0] == 0).all()
    assert (found[0, 1] == 1).all()


@pytest.mark.parametrize(
    ("rule", "elected"),
    [
        (PAPER, 0),  # the one that did nothing
        (Rule("truth", guard=0.8), 1),
        (Rule("truth", criterion="ratio"), 1),
        (Rule("truth", criterion="consensus"), 1),
    ],
)
def test_every_rule_elects_as_its_kernel_says(rule, elected):
    from elect_tino.bench.elect.measure import View

    class Truth:
        """The true mask, whatever is asked for."""

        def mask(self, *_):
            return torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])

    source = torch.zeros(1, 1, 2, 2)
    estimates = torch.zeros(3, 1, 2, 2)
    estimates[1:, :, 0] = 1
    estimates[1, :, 1], estimates[2, :, 1] = 0.1, 0.4
    view = View(Truth(), (4, 5, 6), 1, source, torch.cat([torch.zeros(4, 1, 2, 2), estimates]))
    assert view.elected(rule) == 4 + elected


def test_calls_to_reach_lie_between_the_policies_around():
    from elect_tino.bench.elect.policies import Policy, Result, calls_to_reach

    def result(nfe: int, mse: float) -> Result:
        row = np.full(6, mse)
        return Result(Policy("", nfe, lambda m: row), row, row, row)

    curve = [result(20, 8.0), result(40, 4.0), result(80, 2.0)]
    assert calls_to_reach(result(9, 4.0), curve) == pytest.approx(40)
    assert calls_to_reach(result(9, 6.0), curve) == pytest.approx(20 * 2**0.5)
    assert calls_to_reach(result(9, 1.0), curve) is None
    assert calls_to_reach(result(9, 9.0), curve) == 20


def test_settings_are_chosen_on_edits_that_are_not_reported(bench):
    from elect_tino.bench.edits import GUIDANCE, EditBench

    val = EditBench(GUIDANCE["editing"], 4, split="val")
    assert not np.array_equal(val.edit(0).source, bench.edit(0).source)
