"""A row of the contest's tables: what one way to edit is worth, and beside what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bootstrap import interval
from .measure import METRICS
from .tables import markdown

_SHOWN = {"success": (100, 1), "error": (1, 0), "mse": (1, 1), "observer": (1, 3)}
_HEAD = (
    *("method", "passes", "CPU s", "success %", "error", "background", "observer"),
    *("success minus base", "error minus base"),
)


@dataclass(frozen=True)
class Entry:
    """worth (edits, METRICS), base: what it is compared with, the same edits.

    passes: of K steps; seconds: of one CPU thread for an edit, None where nobody measured it
    """

    title: str
    passes: float | None
    worth: np.ndarray
    base: np.ndarray | None = None
    seconds: float | None = None

    def gain(self, name: str = "success") -> tuple[float, float, float]:
        """Mean, low and high of a metric minus that of the base; success in points."""
        assert self.base is not None
        column, (scale, _) = METRICS.index(name), _SHOWN[name]
        mean, low, high = interval(self.worth[:, column] - self.base[:, column])
        return float(scale * mean), float(scale * low), float(scale * high)

    def said(self, name: str = "success") -> str:
        """The gain with its interval."""
        if self.base is None:
            return ""
        mean, low, high = (f"{v:+.{_SHOWN[name][1]}f}" for v in self.gain(name))
        return f"{mean} [{low}, {high}]"

    def cells(self) -> list[str]:
        """Of `table`."""
        means = self.worth.mean(0)
        shown = [
            f"{scale * means[METRICS.index(name)]:.{digits}f}"
            for name, (scale, digits) in _SHOWN.items()
        ]
        cost = ["" if self.passes is None else f"{self.passes:.3g}"]
        cost.append("" if self.seconds is None else f"{self.seconds:.2g}")
        return [self.title, *cost, *shown, self.said("success"), self.said("error")]


def table(entries: Sequence[Entry]) -> str:
    """One row an entry; the last two columns are differences with 95 % intervals."""
    return markdown(_HEAD, [entry.cells() for entry in entries])
