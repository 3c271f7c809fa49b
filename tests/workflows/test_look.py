"""How the nodes are found and read: names, search words, folded inputs, tooltips."""

import pytest

from elect_tino.harness.server.comfy_server import PACK_LINK

pytestmark = pytest.mark.server

WORDS = ("best of n", "pick", "choose", "candidates", "variations", "score")
EVERYDAY = 9
"""The most widgets that a node shows unfolded."""


@pytest.fixture
def own_nodes(object_info: dict) -> dict[str, dict]:
    return {k: v for k, v in object_info.items() if v["python_module"].endswith(PACK_LINK)}


def options(info: dict) -> dict[str, dict]:
    return {
        name: spec[1] if len(spec) > 1 else {}
        for kind in ("required", "optional")
        for name, spec in info["input"].get(kind, {}).items()
    }


def test_the_names_that_people_see_say_what_the_nodes_are_for(own_nodes: dict[str, dict]):
    names = {node_id: info["display_name"] for node_id, info in own_nodes.items()}
    assert names["BISSelect"].startswith("Choose the Best Candidate")
    assert names["ELECTSampler"].startswith("Best-of-N Seeds")
    assert names["MultiSeedPartialSampler"].startswith("Try Many Seeds")


def test_search_finds_the_choosers_by_what_people_type(own_nodes: dict[str, dict]):
    found = own_nodes["BISSelect"]
    if "search_aliases" not in found:
        pytest.skip("this ComfyUI has no search aliases")
    assert set(WORDS) <= {*found["search_aliases"], found["display_name"].lower()}


def test_every_output_has_a_tooltip(own_nodes: dict[str, dict]):
    bare = {
        node_id: info["output_name"]
        for node_id, info in own_nodes.items()
        if not all(info.get("output_tooltips") or [None])
    }
    assert bare == {}


def test_few_inputs_are_left_unfolded(own_nodes: dict[str, dict]):
    widgets = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
    for node_id, info in own_nodes.items():
        specs = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
        shown = [
            name
            for name, given in options(info).items()
            if not given.get("advanced")
            and (isinstance(specs[name][0], list) or specs[name][0] in widgets)
        ]
        assert len(shown) <= EVERYDAY, (node_id, shown)


def test_what_decides_every_run_is_not_folded(own_nodes: dict[str, dict]):
    everyday = {
        "MultiSeedPartialSampler": {"first_seed", "num_candidates", "stop", "seeds"},
        "ELECTSampler": {"first_seed", "num_candidates", "stop", "seeds"},
        "TiNOOptimize": {"preset", "iterations", "strength", "source_prompt", "target_prompt"},
    }
    for node_id, names in everyday.items():
        given = options(own_nodes[node_id])
        assert not [name for name in names if given[name].get("advanced")], node_id
        assert any(one.get("advanced") for one in given.values())
