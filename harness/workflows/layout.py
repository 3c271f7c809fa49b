"""An API prompt turned into a workflow file, laid out left to right, that the frontend loads."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from .frames import TITLE, Group, Note, Position, Size, ui_group, ui_note
from .widgets import NodeInput, node_inputs
from .workflow import is_link

WIDTH, COLUMN_GAP, ROW_GAP = 320, 80, 40
SLOT, WIDGET, TEXT, PICTURE = 20, 26, 110, 280
PICTURE_NODES = {"LoadImage", "LoadImageMask", "SaveImage", "PreviewImage"}


def to_ui(
    prompt: Mapping[str, dict],
    object_info: Mapping[str, dict],
    *,
    positions: Mapping[str, Position] | None = None,
    sizes: Mapping[str, Size] | None = None,
    groups: Sequence[Group] = (),
    notes: Sequence[Note] = (),
    titles: Mapping[str, str] | None = None,
    properties: Mapping[str, dict] | None = None,
) -> dict:
    """A workflow in the frontend's format; `to_prompt` of it gives the prompt back.

    All mappings go by the prompt's node ids, which must be whole numbers. positions and sizes
    given override the automatic ones; titles default to `_meta`, properties are added to a node's
    own (for example a checkpoint's `models`).
    """
    order = topological(prompt)
    inputs = {key: node_inputs(object_info[prompt[key]["class_type"]]) for key in order}
    default_sizes = {key: node_size(prompt[key], inputs[key], object_info) for key in order}
    all_sizes = default_sizes | dict(sizes or {})
    places = auto_layout(prompt, order, all_sizes) | dict(positions or {})
    links = make_links(prompt, order, inputs, object_info)
    nodes = []
    for rank, key in enumerate(order):
        node = ui_node(key, prompt[key], inputs[key], object_info, links)
        title = (titles or {}).get(key) or prompt[key].get("_meta", {}).get("title")
        node |= {"title": title} if title else {}
        node["properties"] |= (properties or {}).get(key, {})
        node |= {"order": rank, "pos": list(places[key]), "size": list(all_sizes[key])}
        nodes.append(node)
    last_id = max(int(key) for key in order)
    nodes += [ui_note(note, last_id + 1 + i, len(order) + i) for i, note in enumerate(notes)]
    frames = [ui_group(i + 1, group, places, all_sizes) for i, group in enumerate(groups)]
    identity = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(prompt, sort_keys=True))
    return workflow_file(str(identity), nodes, links, frames)


def workflow_file(identity: str, nodes: list[dict], links: list[list], groups: list[dict]) -> dict:
    """The frontend's file format, version 0.4."""
    return {
        "id": identity,
        "revision": 0,
        "last_node_id": max(node["id"] for node in nodes),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": groups,
        "config": {},
        "extra": {},  # without a view of its own the frontend fits the graph into the window
        "version": 0.4,
    }


def links_in(node: dict) -> dict[str, list]:
    return {name: value for name, value in node["inputs"].items() if is_link(value)}


def topological(prompt: Mapping[str, dict]) -> list[str]:
    """Node ids, every node after those that feed it; ValueError on a cycle or a dead wire."""
    order: list[str] = []
    open_nodes: set[str] = set()

    def visit(key: str) -> None:
        if key in order:
            return
        if key in open_nodes or key not in prompt:
            raise ValueError(f"node {key} is part of a cycle or missing from the prompt")
        open_nodes.add(key)
        for source, _ in links_in(prompt[key]).values():
            visit(source)
        order.append(key)

    for key in prompt:
        visit(key)
    return order


def node_size(node: dict, inputs: list[NodeInput], object_info: Mapping[str, dict]) -> Size:
    """About what the frontend would choose."""
    sockets = sum(not i.is_widget or i.name in links_in(node) for i in inputs)
    outputs = len(object_info[node["class_type"]]["output"])
    widgets = sum(1 + len(i.fillers) for i in inputs if i.is_widget)
    texts = sum(i.multiline for i in inputs)
    picture = PICTURE if node["class_type"] in PICTURE_NODES else 0
    height = 10 + SLOT * max(sockets, outputs) + WIDGET * widgets + TEXT * texts + picture
    return (WIDTH, height)


def auto_layout(
    prompt: Mapping[str, dict], order: list[str], sizes: Mapping[str, Size]
) -> dict[str, Position]:
    """Columns by depth, rows in topological order."""
    depth: dict[str, int] = {}
    for key in order:
        depth[key] = 1 + max((depth[s] for s, _ in links_in(prompt[key]).values()), default=-1)
    places: dict[str, Position] = {}
    filled: dict[int, float] = {}
    widest = max((width for width, _ in sizes.values()), default=WIDTH)
    for key in order:
        top = filled.get(depth[key], 0)
        places[key] = (depth[key] * (widest + COLUMN_GAP), top)
        filled[depth[key]] = top + sizes[key][1] + TITLE + ROW_GAP
    return places


def make_links(
    prompt: Mapping[str, dict],
    order: list[str],
    inputs: Mapping[str, list[NodeInput]],
    object_info: Mapping[str, dict],
) -> list[list]:
    """[id, origin, origin slot, target, target slot, type] for every wire."""
    links: list[list] = []
    for key in order:
        wired = links_in(prompt[key])
        for slot, given in enumerate(sockets_of(prompt[key], inputs[key])):
            if given.name in wired:
                source, output = wired[given.name]
                kind = output_types(object_info[prompt[source]["class_type"]])[output]
                links.append([len(links) + 1, int(source), output, int(key), slot, kind])
    return links


def sockets_of(node: dict, inputs: list[NodeInput]) -> list[NodeInput]:
    """The inputs a node shows as sockets: all that are no widgets, then wired widgets."""
    unknown = node["inputs"].keys() - {given.name for given in inputs}
    if unknown:
        raise ValueError(f"{node['class_type']} has no inputs {sorted(unknown)}")
    wired = links_in(node)
    plain = [given for given in inputs if not given.is_widget]
    return plain + [given for given in inputs if given.is_widget and given.name in wired]


def output_types(info: dict) -> list[str]:
    """An output that is a list of choices has the type COMBO."""
    return ["COMBO" if isinstance(kind, list) else kind for kind in info["output"]]


def ui_node(
    key: str,
    node: dict,
    inputs: list[NodeInput],
    object_info: Mapping[str, dict],
    links: list[list],
) -> dict[str, Any]:
    info = object_info[node["class_type"]]
    incoming = {link[4]: link[0] for link in links if link[3] == int(key)}
    sockets = [
        {"name": given.name, "type": given.type, "link": incoming.get(slot)}
        | ({"widget": {"name": given.name}} if given.is_widget else {})
        for slot, given in enumerate(sockets_of(node, inputs))
    ]
    outputs = [
        {"name": name, "type": kind, "links": outgoing(links, int(key), slot)}
        for slot, (name, kind) in enumerate(
            zip(info["output_name"], output_types(info), strict=True)
        )
    ]
    return {
        "id": int(key),
        "type": node["class_type"],
        "flags": {},
        "mode": 0,
        "inputs": sockets,
        "outputs": outputs,
        "properties": {"Node name for S&R": node["class_type"]},
        "widgets_values": stored_values(node, inputs),
    }


def outgoing(links: list[list], node_id: int, slot: int) -> list[int]:
    return [link[0] for link in links if (link[1], link[2]) == (node_id, slot)]


def stored_values(node: dict, inputs: list[NodeInput]) -> list:
    values: list = []
    for given in inputs:
        if given.is_widget:
            value = node["inputs"].get(given.name, given.default)
            values += [given.default if is_link(value) else value, *given.fillers]
    return values
