"""A mask of one's own and a relevance map on one election: said before anything is sampled."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.nodes.elect.both_masks import LEFT_OUT

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def own_mask_too(demo: dict) -> dict:
    """The demo, its map shown nowhere, with the example's mask on the election besides."""
    demo["candidates"]["inputs"]["first_seed"] = 90_210  # which no other test runs
    demo["elected"]["inputs"]["mask"] = ["picture", 3]
    del demo["overlay"]
    return demo


def test_it_is_said_before_sampling_and_no_map_is_made(server: "ComfyServer", demo: dict):
    prompt_id = server.submit(own_mask_too(demo))
    entry = server.wait(prompt_id)
    events = server.events.of_prompt(prompt_id, "executing")
    begun = [event.node for event in events if event.node]
    assert "candidates" in begun
    assert "relevance" not in begun
    assert begun.index("elected") < begun.index("candidates")  # asked before, run after
    assert entry["outputs"]["elected"]["elect"][0]["warnings"].count(LEFT_OUT) == 1


def test_one_mask_alone_is_no_matter(server: "ComfyServer", demo: dict):
    del demo["overlay"]
    shown = server.run(demo)["outputs"]["elected"]["elect"][0]
    assert LEFT_OUT not in shown["warnings"]
