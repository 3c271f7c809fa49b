"""Tables as the Hub stores data sets: *.parquet in a folder, read a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROWS = 16


def files(folder: Path) -> list[Path]:
    """The tables of a folder and those below it, in order."""
    return sorted(folder.rglob("*.parquet"))


def rows(folder: Path, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every row's fields; pictures are {"bytes": ...}. Raises ValueError for a field not there."""
    for file in _opened(folder):
        missing = set(fields) - set(file.schema_arrow.names)
        if missing:
            raise ValueError(f"{folder}: its tables have no {', '.join(sorted(missing))}.")
        for batch in file.iter_batches(batch_size=ROWS, columns=list(fields)):
            yield from batch.to_pylist()


def count(folder: Path) -> int:
    """How many rows there are."""
    return sum(file.metadata.num_rows for file in _opened(folder))


def _opened(folder: Path) -> Iterator[Any]:
    found = files(folder)
    if not found:
        raise ValueError(f"{folder}: expected tables (*.parquet) there or below.")
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ValueError(f"{folder}: tables are read with pyarrow: pip install pyarrow.") from error
    return map(ParquetFile, found)
