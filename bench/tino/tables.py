"""Means over edits with 95 % bootstrap intervals, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bootstrap import interval
from ..markdown import markdown as tabulated
from .measure import METRICS

HEADS = {
    "success": "success %",
    "error": "error x1e4",
    "mse": "background MSE x1e4",
    "clip_t": "CLIP-T",
    "clip_i": "CLIP-I",
    "clip_shown": "CLIP-I*",
    "observer": "observer",
}


@dataclass(frozen=True)
class Row:
    """One way to edit: worth (edits, METRICS)."""

    title: str
    worth: np.ndarray

    def column(self, metric: str) -> np.ndarray:
        """One value an edit."""
        return self.worth[:, METRICS.index(metric)]


def _cell(values: np.ndarray, metric: str, signed: bool = False) -> str:
    scale, digits = {"success": (100, 1), "error": (1, 0), "mse": (1, 1)}.get(metric, (1, 3))
    mean, low, high = (scale * value for value in interval(values))
    sign = "+" if signed else ""
    return f"{mean:{sign}.{digits}f} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def _measured(rows: Sequence[Row]) -> list[str]:
    return [m for m in METRICS if not np.isnan(np.concatenate([r.column(m) for r in rows])).any()]


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return tabulated(head, lines, "| --- ")


def table(rows: Sequence[Row]) -> str:
    """Every metric that was measured of every row."""
    shown = _measured(rows)
    lines = [[row.title, *(_cell(row.column(m), m) for m in shown)] for row in rows]
    return markdown(["method", *(HEADS[m] for m in shown)], lines)


def paired(row: Row, bases: Sequence[Row], metrics: Sequence[str]) -> str:
    """Mean differences on the same edits, `row` minus each of the bases."""
    lines = [
        [
            f"{row.title} minus {base.title}",
            *(_cell(row.column(m) - base.column(m), m, signed=True) for m in metrics),
        ]
        for base in bases
    ]
    return markdown(["difference", *(HEADS[m] for m in metrics)], lines)


def over_iterations(marks: Sequence[int], columns: dict[str, np.ndarray]) -> str:
    """One row for each W, one column a name: means of values (marks, edits) over edits."""
    lines = [
        [f"W = {mark}", *(f"{values[stage].mean():.1f}" for values in columns.values())]
        for stage, mark in enumerate(marks)
    ]
    return markdown(["", *columns], lines)
