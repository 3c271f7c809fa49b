"""The real ComfyUI starts with the pack in it, and its failures can be read."""

import pytest

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected
from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def save_of(node: dict) -> dict:
    """A prompt that saves the picture a node makes."""
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    return {"1": node, "2": save}


def empty_image(**inputs: object) -> dict:
    defaults = {"width": 64, "height": 48, "batch_size": 1, "color": 0}
    return {"class_type": "EmptyImage", "inputs": {**defaults, **inputs}}


def test_answers_with_its_version(server: ComfyServer):
    assert server.system_stats()["system"]["comfyui_version"]


def test_runs_a_prompt_and_shows_the_picture(server: ComfyServer):
    entry = server.run(save_of(empty_image(color=255)))
    (saved,) = entry["outputs"]["2"]["images"]
    assert server.view(saved).startswith(b"\x89PNG")


def test_an_invalid_input_is_named(server: ComfyServer):
    with pytest.raises(PromptRejected, match=r"node 1 \(EmptyImage\), input 'width'.*wide"):
        server.run(save_of(empty_image(width="wide")))


def test_a_failing_node_is_named(server: ComfyServer):
    prompt = save_of(empty_image())
    prompt["2"]["inputs"]["filename_prefix"] = "../../outside"
    with pytest.raises(ExecutionFailed, match=r"node 2 \(SaveImage\).*outside the output") as info:
        server.run(prompt)
    assert info.value.node_id == "2"


def test_events_tell_which_nodes_were_cached(server: ComfyServer):
    server.run(save_of(empty_image(width=80)))
    again = save_of(empty_image(width=80))
    again["2"]["inputs"]["filename_prefix"] = "again"
    prompt_id = server.submit(again)
    server.wait(prompt_id)
    (cached,) = server.events.of_prompt(prompt_id, "execution_cached")
    assert cached.data["nodes"] == ["1"]


def test_everything_written_is_under_the_base(server: ComfyServer):
    (saved,) = server.run(save_of(empty_image(width=96)))["outputs"]["2"]["images"]
    assert (server.base / "output" / saved["filename"]).exists()
