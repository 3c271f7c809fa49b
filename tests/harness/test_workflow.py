"""Workflow files convert to the prompt that the frontend itself would send."""

import copy

import pytest

from elect_tino.harness.workflows.frames import Group, Note
from elect_tino.harness.workflows.layout import to_ui
from elect_tino.harness.workflows.workflow import load_workflow, to_prompt


def node_type(required: dict, outputs: tuple[str, ...] = (), optional: dict | None = None) -> dict:
    return {
        "input": {"required": required, "optional": optional or {}},
        "input_order": {"required": list(required), "optional": list(optional or {})},
        "output": list(outputs),
        "output_name": list(outputs),
        "display_name": "",
    }


OBJECT_INFO = {
    "Load": node_type({"file": [["a.png", "b.png"], {"image_upload": True}]}, ("IMAGE", "MASK")),
    "Sample": node_type(
        {
            "image": ["IMAGE"],
            "seed": ["INT", {"default": 0, "control_after_generate": True}],
            "steps": ["INT", {"default": 20}],
            "mode": ["COMBO", {"options": ["auto", "fixed"]}],
        },
        ("IMAGE", "INT"),
        optional={"mask": ["MASK"], "note": ["STRING", {"multiline": True, "default": "none"}]},
    ),
    "Scale": node_type({"image": ["IMAGE"], "factor": ["FLOAT", {"default": 2.0}]}, ("IMAGE",)),
    "Save": node_type({"images": ["IMAGE"], "prefix": ["STRING", {"default": "out"}]}),
    "Text": node_type({"text": ["STRING", {"forceInput": True}]}, ("STRING",)),
}

PROMPT = {
    "1": {"class_type": "Load", "inputs": {"file": "b.png"}},
    "2": {
        "class_type": "Sample",
        "inputs": {
            "image": ["1", 0],
            "mask": ["1", 1],
            "seed": 7,
            "steps": 12,
            "mode": "fixed",
            "note": "hello",
        },
    },
    "3": {"class_type": "Scale", "inputs": {"image": ["2", 0], "factor": 1.5}},
    "4": {"class_type": "Save", "inputs": {"images": ["3", 0], "prefix": "edit"}},
}


def without_titles(prompt: dict) -> dict:
    return {
        key: {"class_type": node["class_type"], "inputs": node["inputs"]}
        for key, node in prompt.items()
    }


def converted(workflow: dict) -> dict:
    return without_titles(to_prompt(workflow, OBJECT_INFO))


def node_of(workflow: dict, node_id: int) -> dict:
    return next(node for node in workflow["nodes"] if node["id"] == node_id)


@pytest.fixture
def workflow() -> dict:
    return to_ui(PROMPT, OBJECT_INFO)


def test_layout_and_back_gives_the_same_prompt(workflow: dict):
    assert converted(workflow) == PROMPT


def test_a_wired_widget_keeps_its_wire():
    prompt = copy.deepcopy(PROMPT)
    prompt["5"] = copy.deepcopy(prompt["2"])
    prompt["5"]["inputs"]["seed"] = ["2", 1]
    assert converted(to_ui(prompt, OBJECT_INFO)) == prompt


def test_control_after_generate_is_no_input(workflow: dict):
    assert node_of(workflow, 2)["widgets_values"] == [7, "fixed", 12, "fixed", "hello"]
    assert "control_after_generate" not in converted(workflow)["2"]["inputs"]


def test_upload_button_is_no_input(workflow: dict):
    assert node_of(workflow, 1)["widgets_values"] == ["b.png", "image"]


def test_missing_widget_values_are_defaults(workflow: dict):
    node_of(workflow, 2)["widgets_values"] = [7, "randomize"]
    inputs = converted(workflow)["2"]["inputs"]
    assert (inputs["steps"], inputs["mode"], inputs["note"]) == (20, "auto", "none")


def test_widget_values_may_be_named(workflow: dict):
    node_of(workflow, 3)["widgets_values"] = {"factor": 4.0}
    assert converted(workflow)["3"]["inputs"]["factor"] == 4.0


def test_a_bypassed_node_passes_its_input_on(workflow: dict):
    node_of(workflow, 3)["mode"] = 4
    prompt = converted(workflow)
    assert "3" not in prompt
    assert prompt["4"]["inputs"]["images"] == ["2", 0]


def test_a_bypassed_node_passes_by_type_when_slots_differ(workflow: dict):
    sample = node_of(workflow, 2)
    sample["inputs"].reverse()  # the mask now has slot 0, the image slot 1
    sample["mode"] = 4
    assert converted(workflow)["3"]["inputs"]["image"] == ["1", 0]


def test_a_muted_node_vanishes_with_its_wires(workflow: dict):
    node_of(workflow, 3)["mode"] = 2
    prompt = converted(workflow)
    assert "3" not in prompt
    assert "images" not in prompt["4"]["inputs"]


def insert_between(workflow: dict, link_id: int, kind: str, values: list | None = None) -> None:
    """Put a virtual node into a wire."""
    link = next(link for link in workflow["links"] if link[0] == link_id)
    slots = [{"name": "", "type": "*", "link": link_id}]
    new_link = [90, 90, 0, link[3], link[4], link[5]]
    node_of(workflow, link[3])["inputs"][link[4]]["link"] = 90
    link[3:5] = [90, 0]
    workflow["links"].append(new_link)
    workflow["nodes"].append({"id": 90, "type": kind, "inputs": slots, "widgets_values": values})


def test_reroutes_are_looked_through(workflow: dict):
    insert_between(workflow, node_of(workflow, 4)["inputs"][0]["link"], "Reroute")
    assert converted(workflow) == PROMPT


def test_a_primitive_gives_its_value(workflow: dict):
    workflow["nodes"].append({"id": 91, "type": "PrimitiveNode", "widgets_values": [33, "fixed"]})
    workflow["links"].append([91, 91, 0, 2, 2, "INT"])
    widget = {"name": "steps", "type": "INT", "link": 91, "widget": {"name": "steps"}}
    node_of(workflow, 2)["inputs"].append(widget)
    assert converted(workflow)["2"]["inputs"]["steps"] == 33


def test_links_may_be_objects(workflow: dict):
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    workflow["links"] = [dict(zip(names, link, strict=True)) for link in workflow["links"]]
    assert converted(workflow) == PROMPT


def test_notes_are_left_out_and_groups_frame_their_nodes():
    ui = to_ui(
        PROMPT,
        OBJECT_INFO,
        groups=[Group("Edit", ["2", "3"])],
        notes=[Note("Read me", position=(0, 900))],
    )
    assert converted(ui) == PROMPT
    left, top, width, height = ui["groups"][0]["bounding"]
    for key in (2, 3):
        x, y = node_of(ui, key)["pos"]
        assert left < x < left + width
        assert top < y < top + height


def test_nodes_do_not_overlap_and_feed_to_the_right(workflow: dict):
    boxes = [(*node["pos"], *node["size"]) for node in workflow["nodes"]]
    for i, (x, y, width, height) in enumerate(boxes):
        for left, top, *_ in boxes[i + 1 :]:
            assert not (x <= left < x + width and y <= top < y + height)
    for _, origin, _, target, *_ in workflow["links"]:
        assert node_of(workflow, origin)["pos"][0] < node_of(workflow, target)["pos"][0]


def test_titles_and_properties_are_kept():
    models = {"models": [{"name": "m.safetensors", "directory": "checkpoints"}]}
    ui = to_ui(PROMPT, OBJECT_INFO, titles={"1": "Source"}, properties={"1": models})
    assert node_of(ui, 1)["title"] == "Source"
    assert node_of(ui, 1)["properties"]["models"] == models["models"]
    assert to_prompt(ui, OBJECT_INFO)["1"]["_meta"]["title"] == "Source"


def test_unknown_node_type_is_named(workflow: dict):
    node_of(workflow, 3)["type"] = "Upscaler9000"
    with pytest.raises(ValueError, match="Upscaler9000"):
        converted(workflow)


def test_unknown_input_is_named():
    prompt = copy.deepcopy(PROMPT)
    prompt["3"]["inputs"]["fcator"] = 2
    with pytest.raises(ValueError, match="Scale has no inputs.*fcator"):
        to_ui(prompt, OBJECT_INFO)


def test_cycle_is_refused():
    prompt = copy.deepcopy(PROMPT)
    prompt["2"]["inputs"]["image"] = ["3", 0]
    with pytest.raises(ValueError, match="cycle"):
        to_ui(prompt, OBJECT_INFO)


def test_a_prompt_file_is_not_a_workflow_file(tmp_path):
    path = tmp_path / "prompt.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="no `nodes`"):
        load_workflow(path)
