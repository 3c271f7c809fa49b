"""Instruction benchmarks without masks or targets: GEdit-Bench's tables, KontextBench's folder.

GEdit-Bench: task_type, key, instruction, instruction_language, input_image; a result's name is
fullset/<task>/<language>/<key>. KontextBench, and any image folder of the Hub: metadata.jsonl or
metadata.csv with file_name, instruction and, where there are, key and category.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from . import parquet
from .indexes import entry_of, read_lines
from .listed import inside
from .sample import Sample, read_picture

FIELDS = ("task_type", "key", "instruction", "instruction_language", "input_image")
GEDIT = "They are at huggingface.co/datasets/stepfun-ai/GEdit-Bench."
KONTEXT = "KontextBench: huggingface.co/datasets/black-forest-labs/kontext-bench (56 MB, MIT)."
INDEXES = ("metadata.jsonl", "metadata.csv")


def read(folder: Path) -> Iterator[Sample]:
    """GEdit-Bench's tables, row by row. Raises ValueError."""
    if not parquet.files(folder):
        raise ValueError(f"{folder}: expected GEdit-Bench's tables. {GEDIT}")
    for row in parquet.rows(folder, FIELDS):
        task, language = row["task_type"], row["instruction_language"]
        yield Sample(
            name=f"fullset/{task}/{language}/{row['key']}",
            source=read_picture(io.BytesIO(row["input_image"]["bytes"])),
            instruction=row["instruction"],
            group=task,
        )


def read_folder(folder: Path) -> Iterator[Sample]:
    """An image folder with its metadata. Raises ValueError."""
    index, lines = _lines(folder)
    for line in lines:
        if not line.get("file_name") or not line.get("instruction"):
            raise ValueError(f"{index}: expected file_name and instruction in every line.")
        with entry_of(index, line["file_name"]):
            read = Sample(
                name=str(line.get("key") or Path(line["file_name"]).with_suffix("").as_posix()),
                source=read_picture(inside(index.parent, line["file_name"])),
                instruction=str(line["instruction"]),
                group=str(line.get("category") or ""),
            )
        yield read


def count_folder(folder: Path) -> int:
    """How many pictures its metadata tells of."""
    return len(_lines(folder)[1])


def _lines(folder: Path) -> tuple[Path, list[dict[str, str]]]:
    for name in INDEXES:
        for index in sorted(folder.rglob(name)):
            if name.endswith("jsonl"):
                return index, read_lines(index)
            with index.open(encoding="utf-8-sig", newline="") as file:
                return index, list(csv.DictReader(file))
    raise ValueError(f"{folder}: expected {' or '.join(INDEXES)} there or below. {KONTEXT}")
