"""Where a race ends early, what it will not do, and what it refuses."""

import pytest
import torch

from .test_other_packs import apg, guided
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def facts(out):
    return out.ui["elect"][0]


def test_halving_is_the_default_of_the_race_node_and_off_of_the_sampler():
    from elect_tino.nodes.elect.elect_race import ELECTRace
    from elect_tino.nodes.elect.elect_sampler import ELECTSampler

    for node, default in ((ELECTRace, "halving"), (ELECTSampler, "off")):
        (given,) = [one for one in node.define_schema().inputs if one.id == "race"]
        assert given.default == default


def test_it_stops_where_it_is_settled_and_not_before_the_floor(sampler_race, scene):
    early = facts(sampler_race(race="off", stop=1.0, stop_when_settled=0.01, settled_from=0.5))
    assert early["settled"]
    assert early["ran_steps"] == [4] * 6
    assert early["stop_step"] == 4
    never = facts(sampler_race(race="off", stop=0.75, stop_when_settled=0.99, first_seed=50))
    assert never["nfe_planned"] == 6 * 6 + 2
    assert never["ran_steps"] == [6] * 6
    assert (never["stop_step"], never["settled"]) == (6, False)


def test_a_settled_stop_elects_whom_that_stop_elects(sampler_race):
    early = sampler_race(race="off", stop=1.0, stop_when_settled=0.01, settled_from=0.5)
    fixed = sampler_race(race="off", stop=0.5)
    assert facts(early)["scores"] == facts(fixed)["scores"]
    assert early[3] == fixed[3]
    assert torch.equal(early[0]["samples"], fixed[0]["samples"])


def test_off_is_the_election_of_old(sampler_race, elect, scene, guiders):
    assert facts(sampler_race(race="off")).keys() & {"race", "ran_steps"} == set()


def test_candidates_past_a_rung_are_ranked_where_they_are(race, elect, scene, guiders):
    given = {"num_candidates": 6, "candidates_per_batch": 1}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, stop=0.5, **given)
    told = facts(race(found))
    assert told["race"] == [[4, 2], [6, 1]]
    assert told["nfe_planned"] == 6 * 4 + 2 * 2 + 2 == told["nfe"]


def test_a_hook_that_remembers_makes_every_rung_begin_again_and_it_is_counted(
    sampler_race, scene, stock, monkeypatch
):
    guider = guided(scene, apg(scene))
    calls = count_calls(monkeypatch, scene)
    out = sampler_race(guider=guider)
    told = facts(out)
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, out[3])
    assert torch.equal(out[0]["samples"], expected)
    assert told["nfe_planned"] == told["nfe"] == 6 * 2 + 4 * 4 + 2 * 6 + 8
    assert len(calls) == told["nfe"] + 8  # and the stock run
    assert "from their start" in out.ui["text"][0]


def test_a_hook_that_remembers_is_not_looked_at_after_every_step(sampler_race, scene):
    guider = guided(scene, apg(scene))
    told = facts(sampler_race(guider=guider, race="off", stop=0.5, stop_when_settled=0.5))
    assert told["nfe_spent"] == 6 * 4


def test_the_memory_limit_holds_for_all_that_is_kept(elect, scene, guiders):
    """1280 bytes a step: 5 go on for 3 steps, and the 2 steps of the sixth are kept beside."""
    from elect_tino.nodes.elect.race_inputs import Racing
    from elect_tino.nodes.elect.racing import Judge, race
    from elect_tino.nodes.elect.relevance import Window
    from elect_tino.nodes.elect.selection import Selection

    given = {"num_candidates": 6, "stop": 0.25, "candidates_per_batch": 1}
    found = elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **given)
    mask = torch.zeros(1, 80, 64)
    mask[:, :40] = 1
    racing = Racing(rungs="5@25%, 1@62%")
    judge = Judge(Selection(mask=mask), Window(), racing, scene.source)
    plan = racing.plan("custom", found.run, 6, 2, started=2)
    needed = 1280 * (5 * 5 + 2)
    with torch.inference_mode():
        assert race(found, plan, judge, 1, needed).stop_step == 5
        with pytest.raises(ValueError, match="ram_limit_mb: the first candidates already hold"):
            race(found, plan, judge, 1, needed - 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rungs": "4@"}, "rungs: .* got '4@'"),
        ({"rungs": "2@50%, 4@75%"}, "rungs: expected ever fewer"),
        ({"race": "sprint"}, "race: expected one of off, halving, custom, got 'sprint'"),
        ({"window_start": 0.3, "window_end": 0.5}, "window_start"),
        ({"race": "off", "stop_when_settled": 0.5, "settled_from": 0.0}, "settled_from: expected"),
    ],
)
def test_bad_input_is_found_before_any_candidate_runs(
    given, message, sampler_race, scene, monkeypatch
):
    calls = count_calls(monkeypatch, scene)
    with pytest.raises(ValueError, match=message):
        sampler_race(**given)
    assert calls == []
