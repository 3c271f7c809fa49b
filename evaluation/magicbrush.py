"""MagicBrush: edits of real pictures, one to a few upon each other, with masks and targets.

Train and dev are tables of its Hub copy (Parquet, CC-BY-4.0). The test split comes in an archive
that must not be passed on: a user's own folder is read, <id>/<id>-input.png, -mask<k>.png,
-output<k>.png, with edit_turns.json (id -> turns) and local_captions.json.

Two protocols: `independent` edits the true picture before a turn (the published all-turn average);
`iterative` edits its own last result (the final-turn average, samples of the group "final turn").
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from . import parquet
from .indexes import entry_of, read_object
from .sample import Sample, read_mask, read_picture

SOURCE = (
    "Train and dev are tables of huggingface.co/datasets/osunlp/MagicBrush (CC-BY-4.0); the page "
    "says how to come by the test split."
)
INDEX, CAPTIONS = "edit_turns.json", "local_captions.json"
FIELDS = ("img_id", "turn_index", "source_img", "mask_img", "instruction", "target_img")


@dataclass(frozen=True)
class Turn:
    """One edit of a session: its number from 1, whether it is the last, and its files."""

    session: str
    number: int
    last: bool
    instruction: str
    source: Path | IO[bytes]
    target: Path | IO[bytes]
    mask: Path | IO[bytes] | None
    caption: str = ""


def read(where: Path, iterative: bool = False) -> Iterator[Sample]:
    """Every turn of a folder in either form. Raises ValueError."""
    return map(partial(_sample, iterative=iterative), _turns(where))


def count(where: Path) -> int:
    """How many turns there are."""
    if (where / INDEX).is_file():
        return sum(map(len, _index(where).values()))
    return parquet.count(where)


def _turns(where: Path) -> Iterator[Turn]:
    if (where / INDEX).is_file():
        return _of_folder(where)
    if parquet.files(where):
        return _of_tables(where)
    raise ValueError(
        f"{where}: expected MagicBrush's edit_turns.json and images, or its tables. {SOURCE}"
    )


def _index(folder: Path) -> dict[str, list[dict[str, str]]]:
    return read_object(folder / INDEX)


def _of_folder(folder: Path) -> Iterator[Turn]:
    captions: dict[str, dict[str, str]] = {}
    if (folder / CAPTIONS).is_file():
        captions = read_object(folder / CAPTIONS)
    for session, turns in _index(folder).items():
        pictures = folder / "images" / session
        for number, turn in enumerate(turns, start=1):
            with entry_of(folder / INDEX, f"{session}, turn {number}"):
                mask = pictures / turn["mask"]
                read = Turn(
                    session,
                    number,
                    number == len(turns),
                    turn["instruction"],
                    pictures / turn["input"],
                    pictures / turn["output"],
                    mask if mask.is_file() else None,
                    captions.get(session, {}).get(turn["output"], ""),
                )
            yield read


def _of_tables(folder: Path) -> Iterator[Turn]:
    last: dict[str, int] = {}
    for row in parquet.rows(folder, FIELDS[:2]):
        last[str(row["img_id"])] = max(last.get(str(row["img_id"]), 0), row["turn_index"])
    for row in parquet.rows(folder, FIELDS):
        source, mask, target = (
            io.BytesIO(row[name]["bytes"]) for name in ("source_img", "mask_img", "target_img")
        )
        session, number = str(row["img_id"]), row["turn_index"]
        told = session, number, number == last[session], row["instruction"]
        yield Turn(*told, source, target, mask)


def _sample(turn: Turn, iterative: bool) -> Sample:
    source = read_picture(turn.source)
    kind = "iter" if iterative else "inde"
    name = f"{turn.session}_{kind}_{turn.number}"
    called = (name, f"{turn.session}_1") if turn.number == 1 else (name,)
    after = f"{turn.session}_iter_{turn.number - 1}" if iterative and turn.number > 1 else ""
    size = source.shape[:2]
    return Sample(
        name=name,
        source=source,
        instruction=turn.instruction,
        mask=None if turn.mask is None else read_mask(turn.mask, size, from_alpha=True),
        target=read_picture(turn.target),
        target_caption=turn.caption,
        group="final turn" if turn.last else "earlier turn",
        turn=turn.number if iterative else 1,
        after=after,
        other_names=(*called[1:], *(f"{turn.session}/{one}" for one in called)),
    )
