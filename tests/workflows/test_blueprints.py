"""The subgraph blueprints: served by ComfyUI, as their recipes say, and of use."""

import json
from typing import TYPE_CHECKING

import pytest

from elect_tino.dev import DEFAULT_HOST
from elect_tino.harness.author_blueprints import path_of
from elect_tino.harness.server.comfy_server import PACK_LINK
from elect_tino.harness.workflows.blueprint import to_file
from elect_tino.harness.workflows.recipes.blueprints import BLUEPRINTS

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

BY_NAME = {make.__name__: make() for make in BLUEPRINTS}
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
