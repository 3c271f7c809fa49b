"""Seed and wording elected together, through the API."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from elect_tino.embedded.world.examples import truth_of
from elect_tino.embedded.world.success import edit_succeeded
from elect_tino.harness.author_workflows import path_of
from elect_tino.harness.workflows.recipes.parts import EXAMPLE
from elect_tino.harness.workflows.summary import saved_images
from elect_tino.harness.workflows.workflow import load_workflow, to_prompt

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def test_seed_and_prompt_are_elected_together(
    server: "ComfyServer", small: "Callable[[str], dict]"
):
    """Three wordings in one election, as many candidates of each."""
    entry = server.run(small("elect_seed_and_prompt"))
    (facts,) = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
    of_each = [facts["runs"].count(number) for number in (1, 2, 3)]
    assert len(set(of_each)) == 1
    assert sum(of_each) == len(facts["scores"]) >= 6
    assert facts["run_names"][1:] == [
        "make the blue square red",
        "turn the blue square red",
    ]


def test_what_the_template_elects_did_what_was_asked(server: "ComfyServer", object_info: dict):
    """As it is opened, with all its candidates: a template shows a success."""
    prompt = to_prompt(load_workflow(path_of("elect_seed_and_prompt")), object_info)
    file = saved_images(prompt, server.run(prompt, timeout=300))["elect_prompt/edited"]
    edited = np.asarray(server.picture(file).convert("RGB"), np.float32) / 255
    assert edit_succeeded(truth_of(EXAMPLE), edited)
