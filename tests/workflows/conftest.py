"""The example workflows, small enough to run in seconds on one core."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_workflows import numbered, path_of, to_workflow
from elect_tino.harness.workflows.recipes.elect import embedded_demo
from elect_tino.harness.workflows.recipes.parts import Recipe
from elect_tino.harness.workflows.recipes.tino import text
from elect_tino.harness.workflows.stand_in import stand_in, upload_picture
from elect_tino.harness.workflows.summary import nodes_of
from elect_tino.harness.workflows.workflow import is_link, load_workflow, to_prompt

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

SMALL: dict[str, dict] = {
    "BasicScheduler": {"steps": 5},
    "MultiSeedPartialSampler": {"num_candidates": 3},
    "ELECTSampler": {"num_candidates": 3},
    "TiNOOptimize": {"preset": "as set", "iterations": 2, "num_steps": 3},
}


def made_small(prompt: dict) -> dict:
    for kind, values in SMALL.items():
        for _, node in nodes_of(prompt, kind):
            node["inputs"] |= values
    return prompt


@pytest.fixture(scope="session")
def object_info(comfy_server: "ComfyServer") -> dict:
    return comfy_server.object_info()


@pytest.fixture(scope="session")
def system(comfy_server: "ComfyServer") -> dict:
    """What the server says of itself: its version among others."""
    return comfy_server.system_stats()["system"]


@pytest.fixture(scope="session")
def picture(comfy_server: "ComfyServer", tmp_path_factory: pytest.TempPathFactory) -> str:
    """An embedded example in ComfyUI's input folder, its true mask as transparency."""
    return upload_picture(comfy_server, tmp_path_factory.mktemp("picture"))


@pytest.fixture
def small(object_info: dict, picture: str) -> Callable[[str], dict]:
    """The API prompt of a workflow file: the embedded model, few candidates, few steps."""

    def load(name: str) -> dict:
        workflow = load_workflow(path_of(name))
        return made_small(stand_in(to_prompt(workflow, object_info), picture))

    return load


def by_name(recipe: Recipe, object_info: dict) -> dict:
    """A recipe's prompt, small, its nodes by their names in it."""
    prompt = to_prompt(to_workflow(recipe, object_info), object_info)
    names = {number: name for name, number in numbered(recipe)[1].items()}
    for node in prompt.values():
        for key, value in node["inputs"].items():
            if is_link(value):
                node["inputs"][key] = [names[value[0]], value[1]]
    return made_small({names[number]: node for number, node in prompt.items()})


@pytest.fixture
def demo(object_info: dict) -> dict:
    """The embedded ELECT demo."""
    return by_name(embedded_demo(), object_info)


@pytest.fixture
def tino(object_info: dict) -> dict:
    """The TiNO-Edit workflow by text."""
    return by_name(text(), object_info)
