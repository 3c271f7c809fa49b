"""Index files of data sets: JSON objects and lines, and what is wrong with one, with its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WRONG = (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError)


@contextmanager
def entry_of(index: Path, name: object) -> Iterator[None]:
    """Raise ValueError, with the file and the entry, where the entry is of another form."""
    try:
        yield
    except _WRONG as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{index}, {name}: this entry cannot be read ({what}).") from error


def read_object(index: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises ValueError, OSError."""
    return _object(index.read_bytes(), str(index))


def read_lines(index: Path) -> list[dict[str, Any]]:
    """The JSON object of every line that is not empty. Raises ValueError, OSError."""
    lines = index.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    numbered = enumerate(lines, start=1)
    return [_object(line, f"{index}, line {number}") for number, line in numbered if line.strip()]


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: expected JSON ({error}).") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where}: expected a JSON object, got {type(found).__name__}.")
    return found
