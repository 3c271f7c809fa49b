"""A race costs what it says, elects whom the single nodes elect, and stays exact."""

import pytest
import torch
from torch.testing import assert_close

from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def facts(out):
    return out.ui["elect"][0]


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde", "heun"])
def test_the_winner_is_bit_equal_to_its_seed_alone_and_no_call_is_made_twice(
    sampler, sampler_race, scene, guiders, stock, monkeypatch
):
    calls = count_calls(monkeypatch, scene)
    output, denoised, mask, seed, kept = sampler_race(sampler=sampler).args
    made = len(calls)
    expected, expected_denoised = stock(guiders["dual"], sampler, scene.sigmas, scene.latent, seed)
    assert torch.equal(output["samples"], expected)
    assert torch.equal(denoised["samples"], expected_denoised)
    # heun reports a step after the first of its two calls.
    at_two, at_four, at_six, whole_run = (3, 7, 11, 15) if sampler == "heun" else (2, 4, 6, 8)
    assert len(calls) - made == whole_run
    assert made == 2 * at_two + 2 * at_four + at_six + whole_run
    assert (kept.seeds, kept.stop_step) == ((seed,), 6)


def test_what_is_said_before_is_what_is_made(sampler_race, scene, guiders, caplog):
    caplog.set_level("INFO")
    out = sampler_race()
    told = facts(out)
    assert told["nfe_planned"] == told["nfe"] == 6 * 2 + 4 * 2 + 2 * 2 + 2
    assert told["nfe_spent"] == 24
    assert told["nfe_best_of_n"] == 48
    assert told["race"] == [[2, 4], [4, 2], [6, 1]]
    assert sorted(told["ran_steps"]) == [2, 2, 4, 4, 6, 6]
    before = next(r.getMessage() for r in caplog.records if "Race of 6" in r.getMessage())
    assert "4 after step 2, 2 after step 4, 1 after step 6" in before
    assert "At most 26 guider calls, at one a step, of 48" in before
    text = out.ui["text"][0]
    assert (
        "24 guider calls made, 2 to finish one, 26 in all; every seed to its end takes 48" in text
    )
    assert text.count("left after step 2") == 2
    assert text.count("left after step 4") == 2
    assert len(out.ui["elect"][0]["pictures"]["candidates"]) == 6


@pytest.mark.parametrize("per_batch", [1, 4])
def test_it_elects_whom_the_single_nodes_elect(per_batch, race, elect, scene, guiders):
    from elect_tino.nodes.elect.advance import AdvanceCandidates

    given = {"num_candidates": 6, "stop": 0.25, "candidates_per_batch": per_batch}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, **given)
    out = race(found, candidates_per_batch=per_batch)
    mask, alive = elect.relevance(found)[0], found
    with torch.inference_mode():
        for keep, stop in ((4, 0.5), (2, 0.75)):
            alive = elect.select(alive, relevance=mask, top_k=keep)[0]
            alive = AdvanceCandidates.execute(alive, stop, per_batch)[0]
    last = elect.select(alive, relevance=mask)
    assert out[1] == last[1]
    assert out[0].seeds == last[0].seeds
    assert_close(out[0].estimates(), last[0].estimates(), atol=1e-4, rtol=1e-4)
    assert_close(out[3], mask)


def test_batches_stay_full_as_candidates_drop_out(sampler_race, scene, monkeypatch):
    calls = count_calls(monkeypatch, scene)
    sampler_race(candidates_per_batch=4)
    sizes = [size // 3 for size in calls]  # dual: three conditions
    assert sizes == [4, 4, 2, 2] + [4, 4] + [2, 2] + [1, 1]


def test_a_dropped_candidate_may_be_chosen_and_pays_only_what_it_lacks(
    sampler_race, scene, guiders, stock, monkeypatch
):
    told = facts(sampler_race())
    out_at_two = told["seeds"][told["order"][-1]]
    assert told["ran_steps"][told["order"][-1]] == 2
    calls = count_calls(monkeypatch, scene)
    again = sampler_race(pick_seeds=str(out_at_two))
    assert len(calls) == 8 - 2
    assert again[3] == out_at_two
    expected, _ = stock(guiders["dual"], "euler", scene.sigmas, scene.latent, out_at_two)
    assert torch.equal(again[0]["samples"], expected)
    assert facts(again)["nfe"] == told["nfe_spent"] + 6


def test_several_are_left_where_the_last_rung_keeps_them(sampler_race, race, elect, scene, guiders):
    out = sampler_race(rungs="3@50%", first_seed=3)
    assert len(out[4].seeds) == 3
    assert out[0]["samples"].shape[0] == 1
    assert out[4].seeds[0] == out[3]
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, stop=0.25)
    assert len(elect.resume(race(found, rungs="2@50%")[0])[0]["samples"]) == 2


@pytest.mark.parametrize("criterion", ["bis", "ratio", "composite", "place"])
def test_early_rungs_rank_by_consensus_and_the_table_by_the_criterion(
    race, elect, scene, guiders, criterion
):
    given = {"num_candidates": 6, "stop": 0.25, "candidates_per_batch": 1}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, **given)
    mask = elect.relevance(found)[0]
    by_consensus = elect.select(found, relevance=mask, criterion="consensus").ui["elect"][0]
    told = facts(race(found, rungs="1@25%", consensus_until=0.3, criterion=criterion))
    assert told["order"] == by_consensus["order"]
    by_criterion = elect.select(found, relevance=mask, criterion=criterion).ui["elect"][0]
    assert told["scores"] == pytest.approx(by_criterion["scores"])
    assert facts(race(found, rungs="1@25%", criterion=criterion))["order"] == by_criterion["order"]


def test_the_map_counts_all_who_ran_a_step(race, elect, scene, guiders):
    """The window's second half is run by the four that are left, its first half by all."""
    from elect_tino.elect_core.relevance import aggregate
    from elect_tino.nodes.host.latents import to_mask

    given = {"num_candidates": 6, "candidates_per_batch": 1}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, stop=0.25, **given)
    whole = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, stop=0.5, **given)
    out = race(found, rungs="4@25%, 1@50%", window_end=0.5)
    went_on = [i for i, steps in enumerate(facts(out)["ran_steps"]) if steps == 4]
    maps = whole.tape.relevance(range(4))
    maps = [*maps[:2], *(one[went_on] for one in maps[2:])]
    assert_close(out[3], to_mask(aggregate(maps), 80, 64))
