"""Numbers out of what a model wrote: JSON, nearly JSON, or prose that leaves no doubt.

Where the answer leaves doubt (two different objects, a value outside its range, an axis missing)
there is no number: nothing is clamped, guessed or drawn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from .rubrics import REASON, Axis

_MARK = r"\s*(?:\d+[.):]|[-*\u2022])\s*"
_NUMBER = r"[-+]?\d+(?:[.,]\d+)?"
_REASON_KEYS = (REASON, "reason", "explanation", "rationale")


class Unreadable(ValueError):
    """An answer without the numbers that were asked for; the message says what is wrong."""


def without_thoughts(text: str) -> str:
    """The answer after what a thinking model thought aloud; empty where it never stopped."""
    text = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL | re.IGNORECASE)
    return re.split(r"<think>", text, flags=re.IGNORECASE)[0].split("</think>")[-1].strip()


def objects(text: str) -> Iterator[dict]:
    """All JSON objects in a text, outermost ones, trailing commas forgiven."""
    text = re.sub(r",\s*([}\]])", r"\1", text.replace("\u201c", '"').replace("\u201d", '"'))
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            end = place + 1
        else:
            if isinstance(found, dict):
                yield found
        place = text.find("{", end)


def as_number(value: object, high: float) -> float | None:
    """A JSON value as a number: 8, 8.0, "8", "8,5", "8/10" where 10 is the highest; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    whole = re.fullmatch(rf"\s*({_NUMBER})\s*(?:/\s*(\d+)\s*)?", value)
    if whole is None or (whole[2] is not None and float(whole[2]) != high):
        return None
    return float(whole[1].replace(",", "."))


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _of_object(found: dict, axes: Sequence[Axis]) -> tuple[float, ...] | None:
    """The axes' values in an object, by name or as VIEScore's list; None where one is missing."""
    named = {_key(str(name)): value for name, value in found.items()}
    values = [as_number(named.get(_key(axis.name)), axis.high) for axis in axes]
    if None in values:
        listed = named.get("score", named.get("scores"))
        if not isinstance(listed, list) or len(listed) != len(axes):
            return None
        values = [as_number(one, axis.high) for one, axis in zip(listed, axes, strict=True)]
    return None if None in values else tuple(value for value in values if value is not None)


def _of_prose(text: str, axes: Sequence[Axis]) -> tuple[float, ...] | None:
    """Values that stand behind their axis' name, where every mention agrees."""
    values = []
    for axis in axes:
        name = r"[\s_-]+".join(axis.name.split("_"))
        behind = rf"\b{name}\b[^\d\n+-]{{0,24}}({_NUMBER})\s*(?:(?:/|out of)\s*({_NUMBER}))?"
        found = {m.groups() for m in re.finditer(behind, text, re.IGNORECASE)}
        if len({value for value, _ in found}) != 1:
            return None
        value, scale = next(iter(found))
        if scale is not None and float(scale) != axis.high:
            return None
        values.append(float(value.replace(",", ".")))
    return tuple(values)


def read_numbers(text: str, axes: Sequence[Axis]) -> dict[str, float]:
    """The value of every axis. Raises Unreadable."""
    answer = without_thoughts(text)
    found = {values for one in objects(answer) if (values := _of_object(one, axes)) is not None}
    if len(found) > 1:
        raise Unreadable("it gives more than one set of ratings")
    values = next(iter(found)) if found else _of_prose(answer, axes)
    if values is None:
        names = ", ".join(axis.name for axis in axes)
        raise Unreadable(f"it has no clear value for each of {names}" if answer else "it is empty")
    for axis, value in zip(axes, values, strict=True):
        if not axis.takes(value):
            raise Unreadable(f"{axis.name} is {value:g}, not one of {axis.range()}")
    return {axis.name: value for axis, value in zip(axes, values, strict=True)}


def read_reason(text: str, most: int = 400) -> str:
    """Why, in one line of at most `most` characters: of the object, else the text itself."""
    answer = without_thoughts(text)
    for found in objects(answer):
        for key in _REASON_KEYS:
            if isinstance(found.get(key), str):
                return one_line(found[key], most)
    return one_line(answer, most)


def one_line(text: str, most: int) -> str:
    """A text without line breaks and control characters, cut at a length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def read_yes(text: str) -> bool | None:
    """Whether it says yes; None where it says neither or both."""
    answer = without_thoughts(text).lower()
    for found in objects(answer):
        given = str(found.get("answer")).lower()
        answer = {"true": "yes", "false": "no"}.get(given, given)
    first = re.match(r"\W*(yes|no)\b", answer)
    if first:
        return first[1] == "yes"
    said = set(re.findall(r"\b(yes|no)\b", answer))
    return said == {"yes"} if len(said) == 1 else None


def read_list(text: str, most: int) -> list[str]:
    """Lines of a list: a JSON array of strings, an object that holds one, or lines of text."""
    answer = without_thoughts(text)
    for found in objects(answer):
        for value in found.values():
            if isinstance(value, list):
                return _strings(value, most)
    array = re.search(r"\[.*\]", answer, re.DOTALL)
    if array:
        try:
            value = json.loads(array[0])
        except (json.JSONDecodeError, RecursionError):
            value = None
        if isinstance(value, list):
            return _strings(value, most)
    return _strings([line.strip().strip('"') for line in _lines(answer)], most)


def _lines(answer: str) -> list[str]:
    """The lines of a list without their marks; where some have marks, what is said around is none.

    Neither are fences, nor a line that leads to others.
    """
    lines = [line for line in answer.splitlines() if line.strip() and "```" not in line]
    marked = [found[1] for line in lines if (found := re.match(_MARK + "(.*)", line))]
    return marked or [line for line in lines if not line.rstrip().endswith(":")]


def _strings(values: list, most: int) -> list[str]:
    lines = [one_line(value, 1000) for value in values if isinstance(value, str)]
    return [line for line in lines if line][:most]
