"""One record a (sample, method), written in one step: killed at any moment, it goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path


class Ledger:
    """A file of JSON lines; a last line that a kill has left half is not a record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[tuple[str, str], dict[str, float]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = b""
        if path.exists():
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.truncate(path, len(whole))
        for line in whole.splitlines():
            record = json.loads(line)
            values = {name: float(value) for name, value in record["values"].items()}
            self.records[record["sample"], record["method"]] = values

    def add(self, sample: str, method: str, values: dict[str, float]) -> None:
        """Append a record. Raises ValueError for one that is there."""
        if (sample, method) in self.records:
            raise ValueError(f"{sample}, {method}: it is in the ledger already.")
        told = {name: str(value) for name, value in values.items()}  # NaN is no JSON
        line = json.dumps({"sample": sample, "method": method, "values": told}) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self.records[sample, method] = values
