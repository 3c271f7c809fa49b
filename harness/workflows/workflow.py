"""The workflow file that the frontend saves, turned into the prompt that the API takes.

Follows the frontend's own `graphToPrompt`: muted nodes vanish with their links, bypassed nodes
and reroutes are looked through, primitives give their value, notes are left out.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..server.comfy_server import PACK_ROOT
from .recipes.titles import title_of
from .widgets import node_inputs

DEMO = PACK_ROOT / "workflows" / f"{title_of('elect_embedded_demo')}.json"

MUTED, BYPASSED = 2, 4
NOTES = {"Note", "MarkdownNote"}
REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
VIRTUAL = {*NOTES, REROUTE, PRIMITIVE}
ANY = {"*", ""}


class Link(NamedTuple):
    """One wire, in the order in which workflow files list its fields."""

    id: int
    origin_id: int
    origin_slot: int
    target_id: int
    target_slot: int
    type: str


@dataclass(frozen=True)
class Literal:
    """The value of a primitive node that a wire leads to."""

    value: Any


def load_workflow(path: str | Path) -> dict:
    """A workflow file; ValueError if it is not one in the frontend's format."""
    workflow = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(workflow, dict) or "nodes" not in workflow:
        raise ValueError(f"{path} is not a workflow as ComfyUI's frontend saves it: no `nodes`")
    return workflow


def set_widgets(workflow: dict, kind: str, values: dict[int, object]) -> None:
    """Put values into the widgets of every node of a kind, by their place on it."""
    for node in workflow["nodes"]:
        if node["type"] == kind:
            for place, value in values.items():
                node["widgets_values"][place] = value


def to_prompt(workflow: dict, object_info: dict) -> dict:
    """The API prompt of a workflow; object_info is the server's /object_info.

    Raises ValueError on node types the server does not have, and on subgraphs.
    """
    check_types(workflow, object_info)
    graph = Graph(workflow)
    active = [node for node in workflow["nodes"] if is_active(node)]
    prompt = {str(node["id"]): api_node(node, graph, object_info) for node in active}
    for node in prompt.values():
        drop_broken_links(node["inputs"], prompt)
    return prompt


def is_active(node: dict) -> bool:
    return node["type"] not in VIRTUAL and node.get("mode", 0) not in (MUTED, BYPASSED)


def check_types(workflow: dict, object_info: dict) -> None:
    subgraphs = {graph["id"] for graph in workflow.get("definitions", {}).get("subgraphs", [])}
    used = {node["type"] for node in workflow["nodes"] if is_active(node)}
    if used & subgraphs:
        raise ValueError("workflows with subgraphs are not supported: unpack them and save again")
    missing = sorted(used - object_info.keys())
    if missing:
        raise ValueError(f"this ComfyUI has no node types {missing}: is their pack installed?")


def api_node(node: dict, graph: "Graph", object_info: dict) -> dict:
    inputs = widget_values(node, object_info[node["type"]])
    for slot in node.get("inputs") or []:
        source = graph.source(slot.get("link"), slot["type"])
        if source is not None:
            inputs[slot["name"]] = source.value if isinstance(source, Literal) else source
    title = node.get("title") or object_info[node["type"]].get("display_name") or node["type"]
    return {"class_type": node["type"], "inputs": inputs, "_meta": {"title": title}}


def widget_values(node: dict, info: dict) -> dict[str, Any]:
    """Widget name -> stored value; a value the file lacks is the widget's default."""
    stored = node.get("widgets_values") or []
    widgets = [given for given in node_inputs(info) if given.is_widget]
    if isinstance(stored, dict):
        return {w.name: stored.get(w.name, w.default) for w in widgets}
    values, position = {}, 0
    for widget in widgets:
        values[widget.name] = stored[position] if position < len(stored) else widget.default
        position += 1 + len(widget.fillers)
    return values


def drop_broken_links(inputs: dict[str, Any], prompt: dict) -> None:
    for name, value in list(inputs.items()):
        if is_link(value) and value[0] not in prompt:
            del inputs[name]


def is_link(value: Any) -> bool:
    """Whether a prompt's input value is a wire: [node id, output slot]."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


class Graph:
    """Nodes and links of a workflow by id, and the walk up a wire to what feeds it."""

    def __init__(self, workflow: dict) -> None:
        self.nodes = {node["id"]: node for node in workflow["nodes"]}
        self.links = {link.id: link for link in map(read_link, workflow.get("links") or [])}

    def source(self, link_id: int | None, wanted: str) -> list | Literal | None:
        """What a wire of the wanted type carries: [node id, slot], a literal, or nothing."""
        link = self.links.get(link_id) if link_id is not None else None
        node = self.nodes.get(link.origin_id) if link else None
        if link is None or node is None or node.get("mode", 0) == MUTED:
            return None
        if node["type"] == PRIMITIVE:
            return Literal(node["widgets_values"][0])
        if node["type"] == REROUTE:
            return self.source(input_link(node, 0), wanted)
        if node.get("mode", 0) == BYPASSED:
            return self.source(input_link(node, passing_input(node, link, wanted)), wanted)
        return [str(link.origin_id), link.origin_slot]


def passing_input(node: dict, link: Link, wanted: str) -> int | None:
    """The input that stands in for the output of a bypassed node: same slot first, then type."""
    types = [slot["type"] for slot in node.get("inputs") or []]
    slots = [link.origin_slot, *range(len(types))]
    fits = (i for i in slots if i < len(types) and (types[i] == wanted or types[i] in ANY))
    return next(fits, None)


def input_link(node: dict, index: int | None) -> int | None:
    inputs = node.get("inputs") or []
    return inputs[index].get("link") if index is not None and index < len(inputs) else None


def read_link(link: list | dict) -> Link:
    if isinstance(link, dict):
        return Link(*(link[name] for name in Link._fields))
    return Link(*link[:6])
