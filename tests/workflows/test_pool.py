"""One election over several runs, through the API: by sockets and as ComfyUI's lists."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed
from elect_tino.harness.workflows.summary import election_of

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def copied(one: dict, **inputs: object) -> dict:
    return {**one, "inputs": {**one["inputs"], **inputs}}


def two_wordings(demo: dict) -> dict:
    """The demo with a second instruction beside the first, pooled."""
    other = node("CLIPTextEncode", clip=["model", 1], text="make the triangle pink")
    demo |= {
        "instruction_2": other,
        "conditions_2": copied(demo["conditions"], positive=["instruction_2", 0]),
        "guider_2": copied(demo["guider"], cond1=["conditions_2", 0], cond2=["conditions_2", 1]),
        "candidates_2": copied(
            demo["candidates"], guider=["guider_2", 0], latent_image=["conditions_2", 2]
        ),
        "pool": node(
            "PoolCandidates", candidates=["candidates", 0], candidates_2=["candidates_2", 0]
        ),
    }
    for name in ("estimates", "relevance", "elected"):
        demo[name]["inputs"]["candidates"] = ["pool", 0]
    return demo


def test_two_wordings_are_one_election(server: "ComfyServer", demo: dict):
    prompt = two_wordings(demo)
    entry = server.run(prompt)
    facts = election_of(prompt, entry)
    assert facts["seed_texts"] == ["0@1", "1@1", "2@1", "0@2", "1@2", "2@2"]
    assert facts["runs"] == [1, 1, 1, 2, 2, 2]
    assert len(facts["scores"]) == 6
    assert facts["nfe_spent"] == 2 * 3 * 2
    assert "run 2: another conditionings positive" in entry["outputs"]["pool"]["text"][0]
    assert len(entry["outputs"]["overlay"]["images"]) == 2
    other = facts["order"][-1]
    prompt["elected"]["inputs"]["pick_seeds"] = facts["seed_texts"][other]
    assert election_of(prompt, server.run(prompt))["elected"] == other


def test_a_list_of_runs_is_taken_as_it_comes(server: "ComfyServer", demo: dict):
    """A list of pictures makes a list of conditionings, of guiders, of candidates."""
    demo |= {
        "inverted": node("ImageInvert", image=["picture", 0]),
        "both": node("ImageBatch", image1=["picture", 0], image2=["inverted", 0]),
        "list": node("RebatchImages", images=["both", 0], batch_size=1),
        "pool": node("PoolCandidates", candidates=["candidates", 0]),
    }
    demo["conditions"]["inputs"]["pixels"] = ["list", 0]
    for name in ("estimates", "relevance", "elected"):
        demo[name]["inputs"]["candidates"] = ["pool", 0]
    facts = election_of(demo, server.run(demo))
    assert facts["seed_texts"] == ["0@1", "1@1", "2@1", "0@2", "1@2", "2@2"]


def test_a_pool_of_one_says_so(server: "ComfyServer", demo: dict):
    prompt = two_wordings(demo)
    del prompt["pool"]["inputs"]["candidates_2"]
    with pytest.raises(ExecutionFailed, match="candidates: expected those of at least two runs"):
        server.run(prompt)
