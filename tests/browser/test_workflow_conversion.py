"""Our conversion of workflow files against the real frontend's own."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.comfy_server import ComfyServer
from elect_tino.harness.workflows.layout import to_ui
from elect_tino.harness.workflows.workflow import to_prompt

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

FRONTEND_CONVERSION = """async (workflow) => {
    await window.app.loadGraphData(workflow);
    return (await window.app.graphToPrompt()).output;
}"""


def sampling_prompt() -> dict:
    """Stock nodes with every kind of widget: combo, upload, seed, text, numbers, wired widget."""
    nodes = {
        "1": ("CheckpointLoaderSimple", {"ckpt_name": "none.safetensors"}),
        "2": ("CLIPTextEncode", {"clip": ["1", 1], "text": "make the sky red"}),
        "3": ("LoadImage", {"image": "source.png"}),
        "4": ("VAEEncode", {"pixels": ["3", 0], "vae": ["1", 2]}),
        "5": ("RandomNoise", {"noise_seed": 5}),
        "6": ("KSamplerSelect", {"sampler_name": "dpmpp_2m"}),
        "7": (
            "BasicScheduler",
            {"model": ["1", 0], "scheduler": "karras", "steps": ["9", 0], "denoise": 0.9},
        ),
        "8": ("BasicGuider", {"model": ["1", 0], "conditioning": ["2", 0]}),
        "9": ("PrimitiveInt", {"value": 12}),
        "10": (
            "SamplerCustomAdvanced",
            {
                "noise": ["5", 0],
                "guider": ["8", 0],
                "sampler": ["6", 0],
                "sigmas": ["7", 0],
                "latent_image": ["4", 0],
            },
        ),
        "11": ("VAEDecode", {"samples": ["10", 0], "vae": ["1", 2]}),
        "12": ("SaveImage", {"images": ["11", 0], "filename_prefix": "edit"}),
    }
    return {key: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in nodes.items()}


def inputs_of(prompt: dict) -> dict:
    return {key: (node["class_type"], node["inputs"]) for key, node in prompt.items()}


@pytest.mark.parametrize("mode", [0, 2, 4], ids=["active", "muted", "bypassed"])
def test_agrees_with_the_frontend(server: ComfyServer, page: "Page", mode: int):
    object_info = server.object_info()
    workflow = to_ui(sampling_prompt(), object_info)
    sampler = next(node for node in workflow["nodes"] if node["id"] == 10)
    sampler["mode"] = mode
    ours = to_prompt(workflow, object_info)
    theirs = page.evaluate(FRONTEND_CONVERSION, workflow)
    assert inputs_of(ours) == inputs_of(theirs)
