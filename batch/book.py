"""One record a (sample, method), written in one step: killed at any moment, it goes on."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .jobs import Failed, Job, Made

TABLES = """
create table if not exists made (sample text, method text, key text, files text, facts text,
    server text, seconds real, at real, primary key (sample, method)) without rowid;
create table if not exists failed (sample text, method text, key text, why text,
    servers text, at real, primary key (sample, method)) without rowid;
"""


SELECT = "select sample, method, key, files, facts, server, seconds from made"


@dataclass(frozen=True)
class Record:
    """What was made of a sample: picture files below the folder, and what the run said."""

    sample: str
    method: str
    key: str
    files: tuple[str, ...]
    facts: dict[str, Any]
    server: str
    seconds: float


class Book:
    """The records of a folder: `records.sqlite`, which one run at a time may hold.

    Raises ValueError where another run holds it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._db = sqlite3.connect(folder / "records.sqlite", timeout=1)
        try:
            self._db.execute("pragma locking_mode = exclusive")
            self._db.executescript(f"begin exclusive; {TABLES} commit;")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise ValueError(f"{folder}: another run is at work there ({error}).") from error

    def made(self, sample: str, method: str) -> Record | None:
        """The record of a sample by a method, if there is one."""
        row = self._row(f"{SELECT} where sample = ? and method = ?", sample, method)
        return row and _record(row)

    def all_made(self) -> Iterator[Record]:
        """Every record."""
        return map(_record, self._db.execute(SELECT))

    def why_failed(self, sample: str, method: str) -> str | None:
        """Why it was given up, if it was."""
        row = self._row("select why from failed where sample = ? and method = ?", sample, method)
        return row and row[0]

    def failures(self) -> list[tuple[str, str, str, str]]:
        """Sample, method, servers and reason of all that was given up."""
        asked = "select sample, method, servers, why from failed order by sample, method"
        return self._db.execute(asked).fetchall()

    def keep(self, job: Job, made: Made) -> Record:
        """The pictures, then the record: what is in the book lies on the disk."""
        files = tuple(
            f"{job.method}/{job.sample}{f'_{place}' if place > 1 else ''}{suffix}"
            for place, (suffix, _) in enumerate(made.pictures, start=1)
        )
        for file, (_, data) in zip(files, made.pictures, strict=True):
            write(self.folder / file, data)
        told = job.sample, job.method, job.key, json.dumps(files), json.dumps(made.facts)
        with self._db:
            row = (*told, made.server, made.seconds, time.time())
            self._db.execute("insert or replace into made values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._db.execute("delete from failed where sample = ? and method = ?", told[:2])
        return Record(*told[:3], files, made.facts, made.server, made.seconds)

    def give_up(self, job: Job, failed: Failed) -> None:
        row = job.sample, job.method, "", failed.why, ", ".join(failed.servers), time.time()
        with self._db:
            self._db.execute("insert or replace into failed values (?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        self._db.close()

    def _row(self, asked: str, *given: str) -> Any:
        return self._db.execute(asked, given).fetchone()


def _record(row: tuple) -> Record:
    sample, method, key, files, facts, server, seconds = row
    pictures = tuple(json.loads(files))
    return Record(sample, method, key, pictures, json.loads(facts), server, seconds)


def write(path: Path, data: bytes) -> None:
    """A file that is whole or not there, on the disk when this returns; written without torch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
