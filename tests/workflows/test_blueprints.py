"""The subgraph blueprints: served by ComfyUI, as their recipes say, and of use."""

import json
from typing import TYPE_CHECKING

import pytest

from elect_tino.dev import DEFAULT_HOST
from elect_tino.harness.author_blueprints import path_of
from elect_tino.harness.server.comfy_server import PACK_LINK
from elect_tino.harness.workflows.blueprint import entries, numbered, to_file
from elect_tino.harness.workflows.recipes.blueprints import BLUEPRINTS
from elect_tino.harness.workflows.widgets import node_inputs

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

BY_NAME = {make.__name__: make() for make in BLUEPRINTS}
every_blueprint = pytest.mark.parametrize("name", sorted(BY_NAME))
SOURCES = {"model": 0, "clip": 1, "vae": 2}
"""Slots of the nodes that give a small model."""


def source(name: str) -> dict[str, dict]:
    """A small model of the blueprint's kind, and a picture."""
    family = {"shown_picture": "cosxl_edit", "referred_picture": "flux_kontext"}.get(name)
    node = {"class_type": "EmbeddedModelLoader", "inputs": {"variant": "drawing"}}
    if family:
        node = {"class_type": "SmallEditModel", "inputs": {"family": family}}
    return {
        "models": node,
        "photo": {"class_type": "EmbeddedExample", "inputs": {}},
        "latent_clip": {"class_type": "LatentCLIPLoader", "inputs": {}},
        "latent_vgg": {"class_type": "LatentVGGLoader", "inputs": {}},
    }


def with_defaults(prompt: dict, object_info: dict) -> dict:
    """The prompt with each widget's default where it says nothing of it."""
    for node in prompt.values():
        known = node_inputs(object_info[node["class_type"]])
        defaults = {one.name: one.default for one in known if one.is_widget}
        node["inputs"] = defaults | node["inputs"]
    return prompt


def wired(name: str, asked: dict) -> dict:
    """A prompt of a blueprint's inside with its ends wired."""
    blueprint = BY_NAME[name]
    prompt, ids = numbered(blueprint)
    given = {key: ["models", slot] for key, slot in SOURCES.items()}
    given |= {"image": ["photo", 0], "mask": ["photo", 3]}
    given |= {key: [key, 0] for key in ("latent_clip", "latent_vgg")}
    for key, places in entries(blueprint).items():
        for node, wanted in places:
            if key in {**given, **asked}:
                prompt[ids[node]]["inputs"][wanted] = {**given, **asked}[key]
    image = blueprint.gives["image"]
    save = {"images": [ids[image[0]], image[1]], "filename_prefix": "blueprint/edited"}
    return {**source(name), **prompt, "save": {"class_type": "SaveImage", "inputs": save}}


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


@pytest.mark.parametrize("name", ["shown_picture", "referred_picture"])
def test_an_edit_with_election_elects_and_saves(
    name: str, server: "ComfyServer", object_info: dict
):
    family = source(name)["models"]["inputs"]["family"]
    asked = {"family": family, "steps": 4, "num_candidates": 3, "instruction": "a red square"}
    entry = server.run(with_defaults(wired(name, asked), object_info))
    (election,) = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
    assert len(election["seeds"]) == 3
    assert election["num_steps"] == 4
    assert len(entry["outputs"]["save"]["images"]) == 1


def test_a_tino_edit_optimises_and_saves(server: "ComfyServer", object_info: dict):
    texts = {"source_prompt": "a blue star", "target_prompt": "a pink triangle"}
    prompt = wired("optimised", {**texts, "iterations": 2, "num_steps": 3})
    entry = server.run(with_defaults(prompt, object_info))
    assert len(entry["outputs"]["save"]["images"]) == 1
