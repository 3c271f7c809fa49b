"""The inputs of a workflow that differ from picture to picture, by name."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PICTURES = ("picture", "mask", "reference")
TEXTS = ("instruction", "source_caption", "target_caption")
NUMBERS = ("seed", "num_candidates")
PLACES = (*PICTURES, *TEXTS, *NUMBERS)
RESULT = "result"
BRACES = re.compile("{(" + "|".join(TEXTS) + ")}")
LOADERS = {"picture": "LoadImage", "mask": "LoadImageMask"}
WORDS = ("text", "instruction", "prompt", "value")
SEEDS = ("seed", "noise_seed", "first_seed")
SHOWS = ("SaveImage", "PreviewImage")

Input = tuple[str, str]
"""A node's id and the name of one of its inputs."""


@dataclass(frozen=True)
class Places:
    """A workflow in API form, where its named places are, and the node whose pictures count."""

    prompt: dict[str, dict]
    inputs: dict[str, list[Input]] = field(default_factory=dict)
    result: str = ""

    def check(self, names: Iterable[str]) -> None:
        """Raise ValueError for a name that has no place."""
        for name in names:
            if not self.inputs.get(name):
                raise ValueError(
                    f"{name}: the workflow has no place for it. Name one: "
                    f"--place {name}=NODE.INPUT, NODE being an id or a title."
                )

    def filled(self, values: Mapping[str, Any]) -> dict[str, dict]:
        """The prompt with these values. Raises ValueError for one that has no place."""
        self.check(values)
        prompt = copy.deepcopy(self.prompt)
        for node, name in {spot for given in values for spot in self.inputs[given]}:
            names = [given for given in values if (node, name) in self.inputs[given]]
            old = prompt[node]["inputs"].get(name)
            prompt[node]["inputs"][name] = _put(old, {given: values[given] for given in names})
        return prompt

    def fixed(self, settings: Iterable[str]) -> Places:
        """The same with NODE.INPUT=VALUE set (VALUE as JSON, else as text). Raises ValueError."""
        prompt = copy.deepcopy(self.prompt)
        for given in settings:
            where, equals, value = given.partition("=")
            for node, name in resolve(prompt, where) if equals else ():
                prompt[node]["inputs"][name] = _value(value)
            if not equals:
                raise ValueError(f"--set: expected NODE.INPUT=VALUE, got {given!r}.")
        return Places(prompt, self.inputs, self.result)


def find_places(prompt: dict[str, dict], named: Iterable[str] = ()) -> Places:
    """The places of a prompt: those named PLACE=NODE.INPUT, else those that are plain to see.

    Plain: {instruction} and its like within a text; the only LoadImage; a text of a node with
    "instruction" in its title; inputs called seed or num_candidates; the only picture output.
    Raises ValueError for a name, a node or an input that is not there.
    """
    inputs = {name: _plain(prompt, name) for name in PLACES}
    result = ""
    for given in named:
        name, equals, where = given.partition("=")
        if not equals or name not in (*PLACES, RESULT):
            raise ValueError(f"--place: expected {'|'.join((*PLACES, RESULT))}=..., got {given!r}.")
        if name == RESULT:
            result = _node(prompt, where)
        else:
            inputs[name] = resolve(prompt, where)
    return Places(prompt, inputs, result or _only_result(prompt))


def resolve(prompt: dict[str, dict], where: str) -> list[Input]:
    """NODE.INPUT as a node's id and input. Raises ValueError."""
    title, dot, name = where.rpartition(".")
    node = _node(prompt, title) if dot else ""
    if not node or name not in prompt[node]["inputs"]:
        has = f" It has {', '.join(prompt[node]['inputs'])}." if node else ""
        raise ValueError(f"{where!r}: expected NODE.INPUT, an input of the workflow.{has}")
    return [(node, name)]


def key_of(prompt: dict[str, dict], result: str) -> str:
    """Picture (its name says its content), instruction and settings as one word."""
    told = {key: [node["class_type"], node["inputs"]] for key, node in prompt.items()}
    return hashlib.sha256(json.dumps([told, result], sort_keys=True).encode()).hexdigest()[:32]


def _plain(prompt: dict[str, dict], place: str) -> list[Input]:
    """Where a place is plain to see, or nothing."""
    texts = [
        (key, name, value, _title(node))
        for key, node in prompt.items()
        for name, value in node["inputs"].items()
        if isinstance(value, str)
    ]
    if place in LOADERS:
        found = [k for k, node in prompt.items() if node["class_type"] == LOADERS[place]]
        return [(found[0], "image")] if len(found) == 1 else []
    if place in TEXTS:
        braced = [(key, name) for key, name, value, _ in texts if f"{{{place}}}" in value]
        titled = [(key, name) for key, name, _, title in texts if name in WORDS and place in title]
        return braced or (titled if len(titled) == 1 else [])
    wanted = SEEDS if place == "seed" else (place,)
    return [
        (key, name)
        for key, node in prompt.items()
        for name, value in node["inputs"].items()
        if name in wanted and isinstance(value, int)
    ]


def _only_result(prompt: dict[str, dict]) -> str:
    for kind in SHOWS:
        found = [key for key, node in prompt.items() if node["class_type"] == kind]
        titled = [k for k in found if "edited" in _title(prompt[k])]
        if len(titled or found) == 1:
            return (titled or found)[0]
        if found:
            break
    raise ValueError(
        "the workflow needs one node that saves or previews pictures; name it: --place result=NODE."
    )


def _title(node: dict) -> str:
    return node.get("_meta", {}).get("title", "").lower()


def _node(prompt: dict[str, dict], name: str) -> str:
    """The id of the node of that id or title. Raises ValueError."""
    if name in prompt:
        return name
    titled = [k for k, node in prompt.items() if node.get("_meta", {}).get("title") == name]
    if len(titled) == 1:
        return titled[0]
    what = "no node has" if not titled else f"{len(titled)} nodes have"
    raise ValueError(f"{what} the id or title {name!r}.")


def _put(old: Any, values: dict[str, Any]) -> Any:
    """Values in the braces of a text, else one in its place."""
    if isinstance(old, str) and BRACES.search(old):
        return BRACES.sub(lambda found: str(values.get(found[1], found[0])), old)
    return next(iter(values.values()))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
