"""What was elected, in the files that ComfyUI's own SaveImage writes."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests

from elect_tino.harness.workflows.recipes.races import elect_race

from .conftest import by_name

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def saved(server: "ComfyServer", entry: dict) -> dict:
    """The metadata of the last edited picture that a run saved."""
    files = [file for out in entry["outputs"].values() for file in out.get("images", [])]
    (file,) = [one for one in files if one["filename"].startswith("edited")][-1:]
    return server.picture(file).info  # type: ignore[attr-defined]


def election(entry: dict) -> dict:
    (found,) = [out["elect"] for out in entry["outputs"].values() if "elect" in out]
    return found[0]


def test_a_saved_picture_says_the_elected_seed_and_its_score(server: "ComfyServer", demo: dict):
    entry = server.wait(server.submit(demo, workflow={"id": "one"}))
    told, metadata = election(entry), saved(server, entry)
    (said,) = json.loads(metadata["elect"])
    assert said["elected_seed"] == told["elected_seed"] == told["seeds"][told["elected"]]
    assert said["elected_score"] == told["elected_score"] == min(told["scores"])
    assert (said["node"], said["num_candidates"]) == ("elected", 3)
    assert said["candidate"] == told["elected"] + 1
    assert json.loads(metadata["workflow"]) == {"id": "one"}
    # Another choice, among the same candidates.
    last = told["order"][-1]
    demo["elected"]["inputs"]["pick_seeds"] = str(told["seeds"][last])
    entry = server.wait(server.submit(demo, workflow={"id": "two"}))
    (said,) = json.loads(saved(server, entry)["elect"])
    assert (said["elected_seed"], said["elected_score"]) == (
        told["seeds"][last],
        told["scores"][last],
    )


def test_without_a_workflow_the_prompt_in_the_picture_says_it(server: "ComfyServer", demo: dict):
    demo["elected"]["inputs"]["top_k"] = 2
    entry = server.run(demo)
    told = election(entry)
    (said,) = json.loads(saved(server, entry)["prompt"])["elected"]["_meta"]["elect"]
    assert said["seeds"] == [told["seeds"][index] for index in told["order"][:2]]
    assert said["scores"] == sorted(told["scores"])[:2]


@pytest.mark.parametrize("name", ["instruct_pix2pix_all_in_one", "race"])
def test_every_electing_node_says_it(
    name: str, server: "ComfyServer", small: Callable[[str], dict], object_info: dict
):
    prompt = by_name(elect_race(), object_info) if name == "race" else small(name)
    entry = server.wait(server.submit(prompt, workflow={}))
    (said,) = json.loads(saved(server, entry)["elect"])
    assert said["elected_seed"] == election(entry)["elected_seed"]


def test_lists_of_results_count_no_candidate(server: "ComfyServer", demo: dict):
    """They count what has a file name of its own in the output; the queue's cards are these."""
    entry = server.run(demo)
    counted = [
        one
        for out in entry["outputs"].values()
        for items in out.values()
        for one in items
        if isinstance(one, dict) and "filename" in one
    ]
    (saved,) = [one["filename"] for one in counted if one["type"] == "output"]
    assert saved.startswith("edited_")
    assert len(counted) <= 3  # the map as a preview; newer ones count the source's too
    assert len(election(entry)["pictures"]["candidates"]) == 3


@pytest.mark.parametrize("name", ["elect_embedded_demo", "tino_strokes"])
def test_the_picture_of_a_run_in_a_list_of_results_is_the_edit(
    name: str, server: "ComfyServer", small: Callable[[str], dict]
):
    """Though relevance map and loss curve are there before it."""
    prompt_id = server.submit(small(name))
    server.wait(prompt_id)
    try:
        told = server.get(f"/api/jobs/{prompt_id}")
    except requests.HTTPError:
        pytest.skip("this ComfyUI leaves it to the frontend")
    assert told["preview_output"]["filename"].startswith("edited_")
