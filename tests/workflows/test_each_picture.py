"""Many pictures: ComfyUI's list nodes run every node of the pack once a picture."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server
INSTRUCTION = "paint the blue square red"


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


@pytest.fixture
def showing(demo: dict, object_info: dict):
    """The demo's prompt with the pictures of the examples given, by their places."""
    names = object_info["EmbeddedExample"]["input"]["required"]["example"]
    names = names[1]["options"] if isinstance(names[0], str) else names[0]

    def made(*places: int) -> dict:
        prompt = {**demo, "picture": node("EmbeddedExample", example=names[places[0]])}
        prompt["instruction"]["inputs"]["text"] = INSTRUCTION
        images: list = ["picture", 0]
        for place in places[1:]:
            prompt[f"p{place}"] = node("EmbeddedExample", example=names[place])
            prompt["batch"] = node("ImageBatch", image1=images, image2=[f"p{place}", 0])
            images = ["batch", 0]
        prompt["conditions"]["inputs"]["pixels"] = images
        prompt["relevance"]["inputs"]["image"] = images
        return prompt

    return made


def elections(entry: dict) -> list[dict]:
    (found,) = [out["elect"] for out in entry["outputs"].values() if "elect" in out]
    return found


def test_a_batch_is_refused_and_the_error_says_how(server: "ComfyServer", showing):
    with pytest.raises((PromptRejected, ExecutionFailed), match="RebatchImages with batch_size 1"):
        server.run(showing(0, 1))


def test_a_list_of_pictures_gives_one_election_a_picture(server: "ComfyServer", showing):
    prompt = showing(0, 1)
    prompt["each"] = node("RebatchImages", images=["batch", 0], batch_size=1)
    for name, wire in (("conditions", "pixels"), ("relevance", "image")):
        prompt[name]["inputs"][wire] = ["each", 0]
    entry = server.run(prompt)
    alone = [elections(server.run(showing(place)))[0] for place in (0, 1)]
    found = elections(entry)
    assert [one["scores"] for one in found] == [one["scores"] for one in alone]
    assert alone[0]["scores"] != alone[1]["scores"]
    assert all(len(entry["outputs"][name]["images"]) == 2 for name in ("edited", "overlay"))
