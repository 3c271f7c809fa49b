"""A blueprint turned into the file that ComfyUI serves from a pack's folder `subgraphs`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from .layout import to_ui
from .recipes.blueprints import Blueprint, Widget
from .widgets import NodeInput, node_inputs

INPUT, OUTPUT = -10, -20
"""Node ids that the frontend gives the two ends of a subgraph."""
WIDTH, SLOT, END = 320, 20, 160
Ends = Mapping[str, tuple[str, list[int]]]
"""Names outside, each with its type and the wires inside that it has."""
FIELDS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def identity(*parts: str) -> str:
    """The same id for the same blueprint, whenever it is written."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(("elect_tino", *parts))))


def numbered(blueprint: Blueprint) -> tuple[dict[str, dict], dict[str, str]]:
    """The nodes as an API prompt without the wires from outside, and the id each node got."""
    ids = {name: str(number) for number, name in enumerate(blueprint.nodes, start=1)}

    def inside(inputs: Mapping[str, object]) -> dict[str, object]:
        wired = {key: value for key, value in inputs.items() if isinstance(value, tuple)}
        kept = {key: value for key, value in inputs.items() if key not in wired}
        return kept | {key: [ids[a], b] for key, (a, b) in wired.items() if a in ids}

    prompt = {
        ids[name]: {**node, "inputs": inside(node["inputs"])}
        for name, node in blueprint.nodes.items()
    }
    return prompt, ids


def entries(blueprint: Blueprint) -> dict[str, Sequence[Widget]]:
    """What the blueprint asks for, and every input inside that each of them goes to."""
    wired: dict[str, Sequence[Widget]] = {
        name: [
            (inner, key)
            for inner, node in blueprint.nodes.items()
            for key, value in node["inputs"].items()
            if value == wire
        ]
        for name, wire in blueprint.wires.items()
    }
    return wired | blueprint.asked


class Inside:
    """The graph within a blueprint while its ends are wired."""

    def __init__(self, blueprint: Blueprint, object_info: Mapping[str, dict]) -> None:
        prompt, self.ids = numbered(blueprint)
        graph = to_ui(prompt, object_info)
        self.nodes = {str(node["id"]): node for node in graph["nodes"]}
        self.links = [dict(zip(FIELDS, link, strict=True)) for link in graph["links"]]
        for key, one in prompt.items():
            self.show_all(self.nodes[key], node_inputs(object_info[one["class_type"]]))

    def show_all(self, node: dict, inputs: list[NodeInput]) -> None:
        """Give a node a socket for each input, in the frontend's order, which wires go by."""
        wired = {one["name"]: one["link"] for one in node["inputs"]}
        node["inputs"] = [
            {"name": one.name, "type": one.type, "link": wired.get(one.name)}
            | ({"widget": {"name": one.name}} if one.is_widget else {})
            for one in sorted(inputs, key=lambda one: one.is_widget)
        ]
        place = {one["link"]: slot for slot, one in enumerate(node["inputs"])}
        for link in self.links:
            link["target_slot"] = place.get(link["id"], link["target_slot"])

    def link(self, *ends: object) -> int:
        """A wire: origin, its slot, target, its slot, type. Returns its id."""
        self.links.append(dict(zip(FIELDS, (len(self.links) + 1, *ends), strict=True)))
        return len(self.links)

    def enter(self, slot: int, widgets: Sequence[Widget]) -> tuple[str, list[int]]:
        """Wire an input of the subgraph to what it goes to; returns its type and its links."""
        kind, links = "", []
        for name, wanted in widgets:
            node = self.nodes[self.ids[name]]
            place = [one["name"] for one in node["inputs"]].index(wanted)
            socket = node["inputs"][place]
            kind = socket["type"]
            links.append(self.link(INPUT, slot, node["id"], place, kind))
            socket["link"] = links[-1]
        return kind, links

    def leave(self, slot: int, wire: tuple[str, int]) -> tuple[str, list[int]]:
        """Wire an output of the subgraph; returns its type and its link."""
        node = self.nodes[self.ids[wire[0]]]
        output = node["outputs"][wire[1]]
        number = self.link(node["id"], wire[1], OUTPUT, slot, output["type"])
        output["links"] = [*(output["links"] or []), number]
        return output["type"], [number]


def to_file(blueprint: Blueprint, object_info: Mapping[str, dict]) -> dict:
    """A workflow with one node, and the subgraph that it stands for."""
    inside, title = Inside(blueprint, object_info), blueprint.title
    entered = {
        name: inside.enter(slot, widgets)
        for slot, (name, widgets) in enumerate(entries(blueprint).items())
    }
    left = {
        name: inside.leave(slot, wire) for slot, (name, wire) in enumerate(blueprint.gives.items())
    }
    return {
        "id": identity(title, "file"),
        "revision": 0,
        "last_node_id": len(inside.nodes) + 1,
        "last_link_id": 0,
        "nodes": [host(blueprint, inside, entered, left)],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [subgraph(blueprint, inside, entered, left)]},
        "extra": {
            "BlueprintDescription": blueprint.about,
            "BlueprintSearchAliases": list(blueprint.search),
        },
    }


def host(blueprint: Blueprint, inside: Inside, entered: Ends, left: Ends) -> dict:
    """The one node that a user sees."""
    inputs = [
        {"name": name, "type": kind, "link": None}
        | ({"widget": {"name": name}} if name in blueprint.asked else {})
        for name, (kind, _) in entered.items()
    ]
    outputs = [{"name": name, "type": kind, "links": []} for name, (kind, _) in left.items()]
    return {
        "id": len(inside.nodes) + 1,
        "type": identity(blueprint.title),
        "pos": [0, 0],
        "size": [WIDTH, SLOT * max(len(inputs), len(outputs))],
        "flags": {},
        "order": 0,
        "mode": 0,
        "title": blueprint.title,
        "inputs": inputs,
        "outputs": outputs,
        "properties": {
            "proxyWidgets": [[inside.ids[name], widget] for name, widget in blueprint.seen]
        },
        "widgets_values": [],
    }


def subgraph(blueprint: Blueprint, inside: Inside, entered: Ends, left: Ends) -> dict:
    """What the node stands for."""
    title, nodes = blueprint.title, list(inside.nodes.values())
    right = max(node["pos"][0] + node["size"][0] for node in nodes)

    def end(number: int, x: float, slots: Ends) -> dict:
        return {"id": number, "bounding": [x, 0, END, SLOT * (len(slots) + 2)]}

    def slots(ends: Ends, way: str) -> list[dict]:
        return [
            {"id": identity(title, way, name), "name": name, "type": kind, "linkIds": links}
            for name, (kind, links) in ends.items()
        ]

    lasts = {"lastNodeId": len(nodes) + 1, "lastLinkId": len(inside.links)}
    return {
        "id": identity(title),
        "version": 1,
        "state": {"lastGroupId": 0, "lastRerouteId": 0, **lasts},
        "revision": 0,
        "config": {},
        "name": title,
        "inputNode": end(INPUT, -2.0 * END, entered),
        "outputNode": end(OUTPUT, right + END, left),
        "inputs": slots(entered, "in"),
        "outputs": slots(left, "out"),
        "widgets": [],
        "nodes": nodes,
        "groups": [],
        "links": inside.links,
        "extra": {},
    }
