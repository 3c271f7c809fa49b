"""PoolCandidates: one election over several runs; each under its own mask, finished on its own."""

import csv
from dataclasses import replace

import pytest
import torch

from elect_tino.elect_core import change_weight, median_estimate

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def pool():
    from elect_tino.nodes.elect.pool_candidates import PoolCandidates

    @torch.inference_mode()
    def run(*lists, names=()):
        return PoolCandidates.execute(*lists, names=list(names))

    return run


@pytest.fixture(scope="module")
def runs(elect, scene, guiders):
    """Three runs of one picture that differ in cfg, guider and sampler; two share their seeds."""

    def made(guider, sampler="euler", **given):
        given = {"candidates_per_batch": 1, **given}
        return elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **given)

    return made("dual"), made("cfg"), made("cfg gentle", "dpmpp_2m", seeds="40, 41")


def left_half():
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    return mask


def test_estimates_come_in_the_order_of_the_runs(elect, runs, pool):
    found = pool(list(runs))[0]
    assert found.seeds == (3, 4, 5, 3, 4, 5, 40, 41)
    assert found.labels[:4] == ("3@1", "4@1", "5@1", "3@2")
    expected = torch.cat([run.estimates() for run in runs])
    assert torch.equal(found.estimates(), expected)
    assert torch.equal(elect.estimate(found)["samples"], expected)


def test_rows_keep_order_and_runs(runs, pool):
    found = pool(list(runs))[0]
    some = found.rows([6, 4, 0, 5])
    assert some.labels == ("40@3", "4@2", "3@1", "5@2")
    assert torch.equal(some.estimates(), found.estimates()[[6, 4, 0, 5]])
    assert some.rows([3, 1]).run is runs[1].run
    again = some.rows([1, 2])
    assert (again.seeds, len(again.parts)) == ((4, 3), 2)


def test_under_a_common_mask_scores_are_those_of_each_run_alone(elect, runs, pool):
    out = elect.select(pool(list(runs))[0], mask=left_half())
    alone = [elect.select(run, mask=left_half()).ui["elect"][0]["scores"] for run in runs]
    facts = out.ui["elect"][0]
    assert facts["scores"] == pytest.approx(sum(alone, []))
    assert facts["runs"] == [1, 1, 1, 2, 2, 2, 3, 3]
    best = min(range(8), key=facts["scores"].__getitem__)
    assert facts["elected"] == best
    assert out[0].run is runs[facts["runs"][best] - 1].run


def test_each_run_is_scored_under_its_own_mask(elect, scene, runs, pool):
    found = pool(list(runs[:2]))[0]
    masks, overlay = elect.relevance(found)
    assert len(masks) == len(overlay) == 2
    scores = elect.select(found, relevance=masks).ui["elect"][0]["scores"]
    for part, mask in enumerate(masks.split(1)):
        alone = elect.select(runs[part], relevance=mask).ui["elect"][0]["scores"]
        assert scores[3 * part : 3 * part + 3] == pytest.approx(alone)
    changed = elect.select(found, mask_from="change").ui["elect"][0]["scores"]
    alone = [elect.select(run, mask_from="change").ui["elect"][0]["scores"] for run in runs[:2]]
    assert changed == pytest.approx(sum(alone, []))
    scale = scene.model.model.process_latent_in
    weights = [
        change_weight(scale(scene.source), scale(median_estimate(run.estimates())))
        for run in runs[:2]
    ]
    assert not torch.allclose(*weights)


def test_consensus_is_sought_among_all(elect, runs, pool):
    found = pool(list(runs))[0]
    facts = elect.select(found, mask=left_half(), criterion="consensus").ui["elect"][0]
    alone = elect.select(runs[2], mask=left_half(), criterion="consensus").ui["elect"][0]
    assert facts["scores"][6:] != pytest.approx(alone["scores"])


def test_each_goes_on_in_its_own_run(elect, scene, guiders, stock, runs, pool):
    out = elect.resume(pool(list(runs))[0].rows([7, 1, 3]))
    for row, (guider, sampler, seed) in enumerate(
        [("cfg gentle", "dpmpp_2m", 41), ("dual", "euler", 4), ("cfg", "euler", 3)]
    ):
        expected, _ = stock(guiders[guider], sampler, scene.sigmas, scene.latent, seed)
        assert torch.equal(out[0]["samples"][row : row + 1], expected)
    assert "15 guider calls" in out.ui["text"][0]


def test_all_are_advanced_in_their_own_run(elect, scene, guiders, stock, runs, pool):
    from elect_tino.nodes.elect.advance import AdvanceCandidates

    with torch.inference_mode():
        later = AdvanceCandidates.execute(pool(list(runs[:2]))[0].rows([3, 0]), 1.0, 1)[0]
    out = elect.resume(later)
    expected, _ = stock(guiders["cfg"], "euler", scene.sigmas, scene.latent, 3)
    assert torch.equal(out[0]["samples"][:1], expected)


def test_the_table_says_which_run_and_a_choice_may(elect, runs, pool):
    found = pool(list(runs), names=["mild", "strong", "other"])
    assert found.ui["text"][0].startswith("run 1: mild (3 candidates, stopped after 3 of 8")
    out = elect.select(found[0], mask=left_half(), pick_seeds="4@2", top_k=2)
    assert (out[1], out.ui["elect"][0]["elected"]) == (4, 4)
    assert "4@2" in out[2]
    assert "run 3: other" in out[2]
    assert elect.select(found[0], mask=left_half(), pick_seeds="4").ui["elect"][0]["elected"] == 1
    gone = elect.select(found[0], mask=left_half(), pick_seeds="9@2, 40@1").ui
    assert gone["elect"][0]["gone_seeds"] == ["9@2", "40@1"]


def test_without_names_the_table_says_what_differs(runs, pool):
    said = pool(list(runs)).ui["text"][0]
    assert "run 2: another " in said


def test_several_sockets_lists_and_pools_are_joined(runs, pool):
    first = pool([runs[0]], [runs[1]])[0]
    both = pool([first], [runs[2]])[0]
    assert both.labels[-1] == "41@3"


def test_the_csv_tells_the_run(elect, runs, pool, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    found = pool(list(runs))[0]
    (path,) = elect.select(found, mask=left_half(), csv_prefix="pool").ui["csv"]
    with open(path, newline="") as file:
        told = {row["seed"]: row["run"] for row in csv.DictReader(file)}
    assert told == {label: label.partition("@")[2] for label in found.labels}
    assert set(told.values()) == {"1", "2", "3"}


def test_pixels_and_shifts_are_gathered_too(elect, runs, pool):
    class Half:
        """Decodes to a picture of 8 pixels a cell."""

        @staticmethod
        def decode(latent):
            up = torch.nn.functional.interpolate(latent[:, :3], scale_factor=8.0)
            return up.movedim(1, -1).sigmoid()

    found = pool(list(runs))[0].rows([7, 0, 3])
    given = {"mask": left_half(), "vae": Half(), "space": "pixel", "align": True}
    facts = elect.select(found, **given).ui["elect"][0]
    alone = elect.select(runs[1].rows([0]), **given).ui["elect"][0]
    assert facts["scores"][2] == pytest.approx(alone["scores"][0])
    assert len(facts["shifts"]) == 3


def test_what_cannot_be_pooled_says_why(runs, pool):
    with pytest.raises(ValueError, match="candidates: expected those of at least two runs"):
        pool([runs[0]])
    with pytest.raises(ValueError, match="candidates: the same candidates are given twice"):
        pool([runs[0], runs[0]])
    big = {"samples": torch.zeros(1, 4, 12, 8)}
    large = replace(runs[1].rows([0]), run=replace(runs[1].run, latent=big))
    with pytest.raises(ValueError, match=r"run 2 are SD15 \(4, 12, 8\), those of run 1 SD15"):
        pool([runs[0], large])
    with pytest.raises(ValueError, match="names: expected one for each of 3 runs, got 2"):
        pool(list(runs), names=["a", "b"])


def test_nodes_of_one_run_say_so(elect, scene, guiders, runs, pool):
    from elect_tino.nodes.elect.saved import SaveCandidates

    found = pool(list(runs))[0]
    with pytest.raises(ValueError, match="candidates: they come from 3 runs, and SaveCandidates"):
        SaveCandidates.execute(found, "x")
    with pytest.raises(ValueError, match="they come from 3 runs"):
        elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, previous=found)


def test_masks_of_another_number_are_refused(elect, runs, pool):
    with pytest.raises(ValueError, match="relevance: expected one mask for each of 3 runs"):
        elect.select(pool(list(runs))[0], relevance=left_half().repeat(2, 1, 1))
