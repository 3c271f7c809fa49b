"""Every example workflow is whole, and runs through the real server."""

import math
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from elect_tino.dev import DEFAULT_HOST
from elect_tino.harness.author_workflows import ALL_RECIPES, FOLDER, path_of, to_workflow
from elect_tino.harness.doctor import number
from elect_tino.harness.workflows.recipes.elect import RECIPES
from elect_tino.harness.workflows.recipes.titles import title_of
from elect_tino.harness.workflows.summary import nodes_of, saved_images, shown_images
from elect_tino.harness.workflows.widgets import node_inputs
from elect_tino.harness.workflows.workflow import NOTES, load_workflow, widget_values

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

FILES = sorted(FOLDER.glob("*.json"))
NAMES = sorted(make().name for make in ALL_RECIPES)
FILE_WIDGETS = {
    "CheckpointLoaderSimple": {"ckpt_name"},
    "CLIPVisionLoader": {"clip_name"},
    "CLIPLoader": {"clip_name"},
    "DualCLIPLoader": {"clip_name1", "clip_name2"},
    "EditModelLoader": {"name"},
    "LoadImage": {"image"},
    "MGIELoader": {"llava", "vision_tower", "mllm"},
    "QuadrupleCLIPLoader": {f"clip_name{place}" for place in range(1, 5)},
    "TripleCLIPLoader": {f"clip_name{place}" for place in range(1, 4)},
    "UNETLoader": {"unet_name"},
    "VAELoader": {"vae_name"},
}
"""Widgets that name a file, which is not there in the tests."""

every_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
every_name = pytest.mark.parametrize("name", NAMES)
every_election = pytest.mark.parametrize("name", sorted(make().name for make in RECIPES))
HOSTS = {recipe.name: recipe.host or DEFAULT_HOST for recipe in (make() for make in ALL_RECIPES)}
"""The ComfyUI that each file is written on."""
RECIPE_OF = {title_of(name): name for name in NAMES}


def real_nodes(path: Path) -> Iterator[dict]:
    return (node for node in load_workflow(path)["nodes"] if node["type"] not in NOTES)


def election(entry: dict) -> dict:
    (shown,) = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
    return shown


def test_every_recipe_is_a_file_and_the_reverse():
    assert sorted(path_of(name) for name in NAMES) == FILES


@pytest.mark.server
@every_file
def test_node_types_and_widget_values_are_valid(path: Path, object_info: dict, system: dict):
    skip_on_an_older_host(RECIPE_OF[path.stem], system)
    for node in real_nodes(path):
        info = object_info[node["type"]]
        values = widget_values(node, info)
        given = {i.name: i for i in node_inputs(info) if i.is_widget}
        specs = info["input"].get("required", {}) | info["input"].get("optional", {})
        for name in given.keys() - FILE_WIDGETS.get(node["type"], set()):
            check_value(f"{node['type']}.{name}", values[name], specs[name])


def skip_on_an_older_host(name: str, system: dict) -> None:
    here = system["comfyui_version"]
    if HOSTS[name] != DEFAULT_HOST and number(here) < number(HOSTS[name]):
        pytest.skip(f"ComfyUI {here} lacks the nodes of this model; {HOSTS[name]} has them")


def check_value(where: str, value: object, spec: list) -> None:
    options = spec[1] if len(spec) > 1 else {}
    choices = spec[0] if isinstance(spec[0], list) else options.get("options")
    if choices is not None:
        assert value in choices, where
    elif spec[0] in ("INT", "FLOAT"):
        assert isinstance(value, int | float), where
        assert options.get("min", -math.inf) <= value <= options.get("max", math.inf), where
    else:
        assert isinstance(value, str | bool), where


@pytest.mark.server
@every_name
def test_the_file_is_what_its_recipe_gives(name: str, object_info: dict, system: dict):
    """Else somebody edited one of them, or a node's default changed: run author_workflows."""
    if system["comfyui_version"] != HOSTS[name]:
        pytest.skip(f"this file holds the widgets of ComfyUI {HOSTS[name]}'s own nodes")
    (recipe,) = [made for made in (make() for make in ALL_RECIPES) if made.name == name]
    assert load_workflow(path_of(name)) == to_workflow(recipe, object_info)


@pytest.mark.server
@every_election
def test_runs_and_saves_the_edit_in_the_sources_size(
    name: str, server: "ComfyServer", small: Callable[[str], dict]
):
    prompt = small(name)
    entry = server.run(prompt)
    for file in shown_images(prompt, entry).values():
        with Image.open(BytesIO(server.view(file))) as image:
            assert image.size == (128, 128)
    check_election(prompt, election(entry))
    (table,) = [out["text"] for out in entry["outputs"].values() if "elect" in out]
    assert table[0].splitlines()[0].split()[:3] == ["rank", "candidate", "seed"]


def check_election(prompt: dict, facts: dict) -> None:
    """The election's own figures agree with each other and with the settings."""
    scores = facts["scores"]
    assert all(math.isfinite(score) for score in scores)
    assert facts["elected"] == facts["order"][0] == min(range(3), key=scores.__getitem__)
    assert facts["order"] == sorted(range(3), key=scores.__getitem__)
    assert facts["elected_seed"] == facts["seeds"][facts["elected"]]
    assert facts["seeds"] == [0, 1, 2]
    (node,) = [node for node in prompt.values() if "stop" in node["inputs"]]
    stop = max(1, round(node["inputs"]["stop"] * 5))
    assert (facts["num_steps"], facts["stop_step"]) == (5, stop)
    assert facts["nfe"] == 3 * stop + (5 - stop)
    assert facts["nfe_best_of_n"] == 3 * 5
    assert facts["nfe_spent"] == 3 * stop


@pytest.mark.server
def test_best_of_n_runs_every_seed_to_its_end(server: "ComfyServer", small: Callable[[str], dict]):
    facts = election(server.run(small("best_of_n_by_bis")))
    assert facts["stop_step"] == facts["num_steps"]
    assert facts["nfe"] == facts["nfe_spent"] == facts["nfe_best_of_n"] == 3 * 5


@pytest.mark.server
def test_all_in_one_elects_as_the_single_nodes_do(
    server: "ComfyServer", small: Callable[[str], dict]
):
    one, many = small("instruct_pix2pix_all_in_one"), small("instruct_pix2pix_step_by_step")
    first, second = server.run(one), server.run(many)
    assert election(first)["scores"] == election(second)["scores"]
    pictures = [
        server.view(next(file for key, file in saved_images(p, e).items() if "edited" in key))
        for p, e in ((one, first), (many, second))
    ]
    with Image.open(BytesIO(pictures[0])) as a, Image.open(BytesIO(pictures[1])) as b:
        assert a.tobytes() == b.tobytes()


@pytest.mark.server
def test_own_mask_is_what_separates_edit_from_background(
    server: "ComfyServer", small: Callable[[str], dict]
):
    """With the mask inverted, what was background change is change inside, and the reverse."""
    prompt = small("elect_own_mask")
    assert not list(nodes_of(prompt, "RelevanceMapAggregate"))
    ((key, _),) = nodes_of(prompt, "BISSelect")
    mask = prompt[key]["inputs"]["mask"]
    facts = election(server.run(prompt))
    prompt["invert"] = {"class_type": "InvertMask", "inputs": {"mask": mask}}
    prompt[key]["inputs"]["mask"] = ["invert", 0]
    inverted = election(server.run(prompt))
    assert inverted["scores"] == pytest.approx(facts["change_inside"], rel=1e-4)
    assert inverted["change_inside"] == pytest.approx(facts["scores"], rel=1e-4)
    assert facts["scores"] != pytest.approx(facts["change_inside"], rel=1e-2)
