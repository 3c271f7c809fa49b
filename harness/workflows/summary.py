"""What a run of an ELECT workflow did, read from its prompt and its history entry."""

import math
import re
from collections.abc import Iterator
from typing import Any

from .workflow import is_link

SCORE_NODE = "BISSelect"
SAVE_NODE = "SaveImage"
SHOW_NODE = "PreviewImage"


def nodes_of(prompt: dict, class_type: str) -> Iterator[tuple[str, dict]]:
    return ((key, node) for key, node in prompt.items() if node["class_type"] == class_type)


def election_of(prompt: dict, entry: dict) -> dict:
    """The record that BISSelect shows: seeds, scores, the elected one, steps, costs.

    thumbnails: a picture of each candidate, in their own order
    """
    for key, _ in nodes_of(prompt, SCORE_NODE):
        shown = entry["outputs"].get(key, {})
        if shown.get("elect"):
            facts = shown["elect"][0]
            return {**facts, "thumbnails": facts.get("pictures", {}).get("candidates", [])}
    raise ValueError(f"the run shows no election: the workflow needs a {SCORE_NODE} node that ran")


def saved_images(prompt: dict, entry: dict) -> dict[str, dict]:
    """Filename prefix -> the first picture that a SaveImage node with it wrote."""
    saved = {}
    for key, node in nodes_of(prompt, SAVE_NODE):
        images = entry["outputs"].get(key, {}).get("images", [])
        if images:
            saved[str(node["inputs"].get("filename_prefix", key))] = images[0]
    return saved


def shown_images(prompt: dict, entry: dict) -> dict[str, dict]:
    """What was saved, then title -> the first picture that a PreviewImage node so titled showed."""
    shown = saved_images(prompt, entry)
    for key, node in nodes_of(prompt, SHOW_NODE):
        for image in entry["outputs"].get(key, {}).get("images", [])[:1]:
            shown[node.get("_meta", {}).get("title") or key] = image
    return shown


def score_of(value: Any) -> float | None:
    """A finite score, or None for a candidate that could not be scored."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def instruction_of(prompt: dict) -> str:
    """The edit instruction: the text of the node titled so, else the first text there is."""
    texts = [
        (node.get("_meta", {}).get("title", ""), text_of(node["inputs"][name], prompt))
        for node in prompt.values()
        for name in ("text", "instruction", "prompt", "value")
        if isinstance(node["inputs"].get(name), str | list)
    ]
    titled = [text for title, text in texts if text and "instruction" in title.lower()]
    return next(iter(titled or [text for _, text in texts if text]), "")


def text_of(value: Any, prompt: dict) -> str:
    """A typed text, or the choice made in the node that a text is wired from ("2: remove it").

    Of a node that rewrites an instruction, that instruction.
    """
    if not is_link(value):
        return str(value).strip()
    given = prompt[value[0]]["inputs"]
    if "instruction" in given:
        return text_of(given["instruction"], prompt)
    choice = next((text for text in given.values() if isinstance(text, str)), "")
    return re.sub(r"^\d+:", "", choice).strip()


def model_of(prompt: dict, object_info: dict) -> str:
    """The node that loads the model, with the file or variant it was told to load."""
    for node in prompt.values():
        wired = any(is_link(value) for value in node["inputs"].values())
        if not wired and "MODEL" in object_info[node["class_type"]]["output"]:
            given = [value for value in node["inputs"].values() if isinstance(value, str)]
            return " ".join([node["class_type"], *given])
    return "unknown"


def summarise(prompt: dict, entry: dict, object_info: dict) -> dict:
    """The summary of a run, but for times and files."""
    election = election_of(prompt, entry)
    return {
        "model": model_of(prompt, object_info),
        "instruction": instruction_of(prompt),
        "seeds": election["seeds"],
        "scores": [score_of(value) for value in election["scores"]],
        "elected": election["elected"],
        "elected_seed": election["elected_seed"],
        "steps": election["num_steps"],
        "stop": election["stop_step"],
        "stop_sigma": election.get("stop_sigma"),
        "nfe": election["nfe"],
        "nfe_best_of_n": election["nfe_best_of_n"],
        "model_evaluations": election.get("model_evaluations"),
    }
