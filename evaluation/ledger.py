"""One record a (sample, method), written in one step: killed at any moment, it goes on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from numpy import ndarray

from .indexes import entry_of


def word_of(*parts: ndarray | str | None) -> str:
    """What a number is of, pictures, masks and texts, as one word."""
    told = hashlib.sha256()
    for part in parts:
        if isinstance(part, ndarray):
            told.update(f"{part.dtype},{part.shape}:".encode() + part.tobytes())
        else:
            told.update(f"{part!r};".encode("utf-8", "surrogatepass"))
    return told.hexdigest()[:16]


class Ledger:
    """A file of JSON lines; a last line that a kill has left half is not a record.

    Raises ValueError for any other line that is none.

    A later line of the same sample and method adds columns, or stands in the place of an earlier
    one where the picture has become another.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[tuple[str, str], dict[str, float]] = {}
        self._pictures: dict[tuple[str, str], str] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = b""
        if path.exists():
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.truncate(path, len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            with entry_of(path, f"line {number}"):
                record = json.loads(line)
                values = {name: float(value) for name, value in record["values"].items()}
                self._take(record["sample"], record["method"], values, record.get("picture", ""))

    def known(self, sample: str, method: str, picture: str) -> set[str]:
        """The columns that are measured of this; picture: its `word_of`."""
        same = self._pictures.get((sample, method)) in ("", picture)
        return set(self.records[sample, method]) if same else set()

    def add(self, sample: str, method: str, values: dict[str, float], picture: str = "") -> None:
        """Append columns. Raises ValueError where they are there already."""
        if (sample, method) in self.records and (
            not values or self.known(sample, method, picture) & values.keys()
        ):
            raise ValueError(f"{sample}, {method}: it is in the ledger already.")
        told = {name: str(value) for name, value in values.items()}  # NaN is no JSON
        record = {"sample": sample, "method": method, "picture": picture, "values": told}
        with self.path.open("ab") as file:
            file.write((json.dumps(record) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        self._take(sample, method, values, picture)

    def _take(self, sample: str, method: str, values: dict[str, float], picture: str) -> None:
        same = self._pictures.get((sample, method)) in ("", picture)
        before = self.records[sample, method] if same else {}
        self.records[sample, method] = {**before, **values}
        self._pictures[sample, method] = picture
