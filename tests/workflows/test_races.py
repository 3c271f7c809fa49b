"""Races as a user runs them: through the API, with Cancel, and with bad input."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed, ExecutionInterrupted, PromptRejected
from elect_tino.harness.workflows.recipes.races import elect_race
from elect_tino.harness.workflows.summary import nodes_of, saved_images

from .conftest import by_name

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


@pytest.fixture
def race(object_info: dict) -> dict:
    """The race workflow, small: 4 candidates, 5 steps."""
    prompt = by_name(elect_race(), object_info)
    prompt["candidates"]["inputs"]["num_candidates"] = 4
    return prompt


def facts(entry: dict, name: str = "elected") -> dict:
    return entry["outputs"][name]["elect"][0]


def test_the_workflow_costs_what_it_says_and_saves_the_edit(server: "ComfyServer", race: dict):
    entry = server.run(race)
    told = facts(entry)
    # Of 5 steps: 2 of 4 go on after step 2, one after step 4.
    assert told["race"] == [[2, 2], [4, 1]]
    assert sorted(told["ran_steps"]) == [2, 2, 4, 4]
    assert told["nfe"] == told["nfe_planned"] == 4 * 2 + 2 * 2 + 1
    assert told["nfe_spent"] == 12
    assert told["elected"] == told["order"][0]
    assert len(entry["outputs"]["elected"]["elect"][0]["pictures"]["candidates"]) == 4
    assert list(saved_images(race, entry)) == ["elect_race/edited"]
    assert "1 guider calls" in entry["outputs"]["resumed"]["text"][0]


def test_a_dropped_candidate_may_be_clicked_and_no_other_runs(server: "ComfyServer", race: dict):
    told = facts(server.run(race))
    dropped = told["seeds"][told["order"][-1]]
    race["elected"]["inputs"]["pick_seeds"] = str(dropped)
    prompt_id = server.submit(race)
    again = facts(server.wait(prompt_id))
    assert again["elected_seed"] == dropped
    assert again["scores"] == told["scores"]
    assert again["nfe_spent"] == told["nfe_spent"] + 2
    ran = {event.node for event in server.events.of_prompt(prompt_id, "executing")}
    assert "candidates" not in ran


def test_the_all_in_one_node_races_too_and_its_candidates_go_on(
    server: "ComfyServer", small: Callable[[str], dict]
):
    prompt = small("instruct_pix2pix_all_in_one")
    ((key, node),) = nodes_of(prompt, "ELECTSampler")
    node["inputs"] |= {"race": "custom", "rungs": "2@40%, 1@80%", "first_seed": 70}
    prompt["more"] = {"class_type": "ResumeDenoise", "inputs": {"candidates": [key, 4]}}
    prompt["see"] = {"class_type": "PreviewImage", "inputs": {"images": ["decoded again", 0]}}
    vae = node["inputs"]["vae"]
    prompt["decoded again"] = {
        "class_type": "VAEDecode",
        "inputs": {"samples": ["more", 0], "vae": vae},
    }
    entry = server.run(prompt)
    told = facts(entry, key)
    assert told["race"] == [[2, 2], [4, 1]]
    assert told["nfe"] == 3 * 2 + 2 * 2 + 1
    assert entry["outputs"]["more"]["text"][0].startswith("1 guider calls")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"race": "custom", "rungs": "4@"}, "rungs: .* got '4@'"),
        ({"race": "custom", "rungs": "1@50%, 2@80%"}, "rungs: expected ever fewer"),
        ({"stop_when_settled": 1.0}, "'stop_when_settled'"),
        ({"race": "off", "stop": 0.01, "candidates": "late"}, "stop: the candidates have run"),
        ({"pick_seeds": "best"}, "pick_seeds: expected seeds"),
        ({"space": "pixel", "vae": None}, "vae: "),
    ],
)
def test_bad_input_names_itself_and_leaves_nothing(
    given: dict, message: str, server: "ComfyServer", race: dict
):
    if given.pop("candidates", None):
        race["candidates"]["inputs"]["stop"] = 0.8
    inputs = race["elected"]["inputs"] | given
    race["elected"]["inputs"] = {key: one for key, one in inputs.items() if one is not None}
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(race)


def test_cancel_works_within_a_race_and_it_can_be_run_again(server: "ComfyServer", race: dict):
    race["sigmas"]["inputs"]["steps"] = 150
    race["candidates"]["inputs"] |= {"first_seed": 900, "stop": 0.01}
    prompt_id = server.submit(race)
    server.events.wait_for(
        lambda event: (
            event.type == "progress"
            and event.prompt_id == prompt_id
            and event.node == "elected"
            and event.data["value"] >= 60
        )
    )
    server.interrupt()
    with pytest.raises(ExecutionInterrupted) as info:
        server.wait(prompt_id, timeout=60)
    assert info.value.node_id == "elected"
    race["sigmas"]["inputs"]["steps"] = 5
    assert facts(server.run(race))["seeds"] == [900, 901, 902, 903]
