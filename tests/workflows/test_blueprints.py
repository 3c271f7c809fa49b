"""The subgraph blueprints: served by ComfyUI, as their recipes say, and of use."""

import json
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from elect_tino.dev import DEFAULT_HOST
from elect_tino.harness.author_blueprints import path_of
from elect_tino.harness.server.comfy_server import PACK_LINK
from elect_tino.harness.workflows.blueprint import to_file
from elect_tino.harness.workflows.recipes.blueprints import BLUEPRINTS, Blueprint
from elect_tino.harness.workflows.stand_in import MEGAPIXELS
from elect_tino.harness.workflows.summary import nodes_of, saved_images
from elect_tino.harness.workflows.widgets import node_inputs
from elect_tino.harness.workflows.workflow import is_link

from .conftest import made_small

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

BY_NAME = {make.__name__: make() for make in BLUEPRINTS}
MODELS = {
    "shown_picture": ("EmbeddedModelLoader", {"variant": "editing"}),
    "referred_picture": ("SmallEditModel", {"family": "flux_kontext"}),
    "optimised": ("EmbeddedModelLoader", {"variant": "drawing"}),
}
"""What stands for the model that a user connects: small, for reference latents also random."""
OUTSIDE = {
    "model": ("loader", 0),
    "clip": ("loader", 1),
    "vae": ("loader", 2),
    "photo": ("example", 0),
    "mask": ("example", 3),
    "latent_clip": ("LatentCLIPLoader", 0),
    "latent_vgg": ("LatentVGGLoader", 0),
}
every_blueprint = pytest.mark.parametrize("name", sorted(BY_NAME))


def test_the_host_serves_them(server: "ComfyServer"):
    served = {
        entry["name"]: key
        for key, entry in server.get("/global_subgraphs").items()
        if entry["info"]["node_pack"].endswith(PACK_LINK)
    }
    assert sorted(served) == sorted(one.title for one in BY_NAME.values())
    for blueprint in BY_NAME.values():
        data = server.get(f"/global_subgraphs/{served[blueprint.title]}")["data"]
        assert json.loads(data) == json.loads(path_of(blueprint).read_text(encoding="utf-8"))


@every_blueprint
def test_the_file_is_what_its_recipe_gives(name: str, object_info: dict, system: dict):
    """Else a node's default changed: run author_blueprints."""
    if system["comfyui_version"] != DEFAULT_HOST:
        pytest.skip(f"the files hold the widgets of ComfyUI {DEFAULT_HOST}'s own nodes")
    written = json.loads(path_of(BY_NAME[name]).read_text(encoding="utf-8"))
    assert written == to_file(BY_NAME[name], object_info)


@every_blueprint
def test_every_wire_has_two_ends_of_one_type(name: str):
    (graph,) = json.loads(path_of(BY_NAME[name]).read_text(encoding="utf-8"))["definitions"][
        "subgraphs"
    ]
    nodes = {node["id"]: node for node in graph["nodes"]}
    for link in graph["links"]:
        origin, target = link["origin_id"], link["target_id"]
        out = graph["inputs"] if origin == -10 else nodes[origin]["outputs"]
        into = graph["outputs"] if target == -20 else nodes[target]["inputs"]
        assert out[link["origin_slot"]]["type"] == link["type"] == into[link["target_slot"]]["type"]
        assert link["id"] in out[link["origin_slot"]]["linkIds" if origin == -10 else "links"]


def node(kind: str, object_info: dict, inputs: dict) -> dict:
    """A prompt's node, with the defaults of the widgets that it does not name."""
    defaults = {one.name: one.default for one in node_inputs(object_info[kind]) if one.is_widget}
    return {"class_type": kind, "inputs": {**defaults, **inputs}}


def around(blueprint: Blueprint, object_info: dict, kind: str, given: dict) -> dict:
    """The blueprint's graph with what a user connects to it, as one small prompt."""
    prompt = {
        "loader": node(kind, object_info, given),
        "example": node("EmbeddedExample", object_info, {}),
        "LatentCLIPLoader": node("LatentCLIPLoader", object_info, {}),
        "LatentVGGLoader": node("LatentVGGLoader", object_info, {}),
        "saved": node("SaveImage", object_info, {"images": list(blueprint.gives["image"])}),
    }
    for name, inner in blueprint.nodes.items():
        wired = {
            key: list(OUTSIDE.get(value[0], value)) if isinstance(value, tuple) else value
            for key, value in inner["inputs"].items()
        }
        prompt[name] = node(inner["class_type"], object_info, wired)
    for widgets, value in (("instruction", "paint the blue square red"), ("steps", 5)):
        for name, key in blueprint.asked.get(widgets, ()):
            prompt[name]["inputs"][key] = value
    for _, one in nodes_of(prompt, "EditSize"):
        one["inputs"]["megapixels"] = MEGAPIXELS
    assert all(value[0] in prompt for one in prompt.values() for value in links(one))
    return made_small(prompt)


def links(one: dict) -> list[list]:
    return [value for value in one["inputs"].values() if is_link(value)]


@every_blueprint
def test_it_runs_and_gives_a_picture(name: str, server: "ComfyServer", object_info: dict):
    blueprint = BY_NAME[name]
    prompt = around(blueprint, object_info, *MODELS[name])
    for _, one in nodes_of(prompt, "TiNOOptimize"):
        one["inputs"] |= {"source_prompt": "a blue square", "target_prompt": "a red square"}
    entry = server.run(prompt)
    (file,) = saved_images(prompt, entry).values()
    with Image.open(BytesIO(server.view(file))) as image:
        assert image.size == (128, 128)
    elections = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
    if "candidates" in blueprint.gives:
        ((told,),) = (elections,)
        assert len(told["seeds"]) == 3
        assert told["elected"] in range(3)
    else:
        assert elections == []
