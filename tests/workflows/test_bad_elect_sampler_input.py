"""Bad input to the all-in-one node through the API: refused as the single nodes refuse it."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer
from .changes import Change, changed, files, node, solid, wired

pytestmark = pytest.mark.server
CFG_ONE = node(
    "CFGGuider",
    model=["model", 0],
    positive=["conditions", 0],
    negative=["conditions", 1],
    cfg=1.0,
)
ALL_IN_ONE: dict[str, tuple[Change, str]] = {
    "stop by wire": (
        wired(node("PrimitiveFloat", value=0.0), "elected", "stop"),
        "stop: expected .* got 0",
    ),
    "window past the stop": (
        {"elected": {"window_start": 0.6, "window_end": 0.9}},
        "Lower window_start or raise stop",
    ),
    "seeds with junk": ({"elected": {"seeds": "-1"}}, "seeds: .* got '-1'"),
    "mask empty": (wired(solid(0.0), "elected", "mask"), "mask: it is empty"),
    "cfg 1 and no null": ({"guider": CFG_ONE}, "CONDITIONING to null"),
}


@pytest.mark.parametrize("case", ALL_IN_ONE)
def test_the_all_in_one_node_refuses_alike(
    case: str, server: "ComfyServer", demo: dict, object_info: dict
):
    change, message = ALL_IN_ONE[case]
    for name in ("candidates", "estimates", "relevance", "overlay", "resumed"):
        del demo[name]
    wires = {
        "guider": ["guider", 0],
        "sampler": ["sampler", 0],
        "sigmas": ["sigmas", 0],
        "latent_image": ["conditions", 2],
    }
    required = object_info["ELECTSampler"]["input"]["required"]
    values = {
        name: spec[1]["default"]
        for name, spec in required.items()
        if len(spec) > 1 and "default" in spec[1]
    }
    demo["elected"] = node("ELECTSampler", **{**values, **wires, "num_candidates": 3})
    demo["decoded"]["inputs"]["samples"] = ["elected", 0]
    before = files(server)
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(changed(demo, change))
    assert files(server) == before


def test_a_null_conditioning_cures_cfg_1(server: "ComfyServer", demo: dict):
    changed(demo, {"guider": CFG_ONE, "candidates": {"null": ["empty", 0]}})
    server.run(demo)
