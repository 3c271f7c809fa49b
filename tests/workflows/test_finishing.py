"""A winner varied, re-rolled in a region, finished otherwise and clean, through the API."""

from typing import TYPE_CHECKING

import pytest

from .every_way import every_way

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def test_the_winner_goes_on_in_every_way(server: "ComfyServer", demo: dict):
    demo["candidates"]["inputs"]["first_seed"] = 61  # kept outputs of another test tell nothing
    entry = server.run(every_way(demo))
    told = {name: out["text"][0] for name, out in entry["outputs"].items() if "text" in out}
    assert told["varied"].startswith("2 candidates stopped after 2 of 5 steps")
    assert told["region"].startswith("2 candidates stopped after")
    assert "other steps and another sampler from the stop" in told["otherwise"]
    assert "blended back" in told["otherwise"]
    assert len(entry["outputs"]["clean"]["images"]) == 2
    assert len(entry["outputs"]["again"]["elect"][0]["scores"]) == 3
