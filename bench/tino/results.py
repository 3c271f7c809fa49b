"""What a plan's files say, joined over its batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from .measure import METRICS, measure_piece
from .methods import marks
from .models import TinoBench
from .runs import Plan, load_result, path_of
from .tables import Row
from .variants import Variant

BEST = -1  # stage of TiNO-Edit's lowest loss


@dataclass(frozen=True)
class Results:
    """Reads, and measures where that is missing."""

    bench: TinoBench
    plan: Plan
    root: Path

    @cached_property
    def folder(self) -> Path:
        return self.plan.folder(self.bench, self.root)

    @property
    def marks(self) -> list[int]:
        """Iterations W of TiNO-Edit's stages."""
        return marks(self.plan.settings.iterations)

    def _joined(self, variant: Variant, kind: str, read: Callable) -> np.ndarray:
        batches = [batch for batch in self.plan.batches(variant) if batch.kind == kind]
        return np.concatenate([read(batch) for batch in batches], axis=1)

    @cached_property
    def _known(self) -> dict:
        return {}

    def worth(self, name: str, kind: str) -> np.ndarray:
        """(S, edits, METRICS) of a variant on one kind."""
        variant = self.plan.named[name]

        def read(batch):
            return measure_piece(self.bench, self.folder, variant, batch)

        if (name, kind) not in self._known:
            self._known[name, kind] = self._joined(variant, kind, read)
        return self._known[name, kind]

    def read(self, path: Path) -> dict:
        """What one piece of work made, read once."""
        if path not in self._known:
            self._known[path] = load_result(path)
        return self._known[path]

    def curve(self, name: str, kind: str, what: str) -> np.ndarray:
        """An entry of `methods.Result` over all edits: its axes begin (W + 1 or S, edits)."""
        variant = self.plan.named[name]
        return self._joined(
            variant,
            kind,
            lambda batch: load_result(path_of(self.folder, variant, batch))[what].numpy(),
        )

    def row(self, name: str, title: str, kinds: Sequence[str], stage: int, first=None) -> Row:
        """One stage of a variant, over the edits (or the first few) of several kinds."""
        parts = [self.worth(name, kind)[stage, :first] for kind in kinds]
        return Row(title, np.concatenate(parts))

    def over_marks(self, name: str, kinds: Sequence[str], metric: str, first=None) -> np.ndarray:
        """One metric at every mark, (marks, edits)."""
        parts = [self.worth(name, kind)[: len(self.marks), :first] for kind in kinds]
        return np.concatenate(parts, axis=1)[..., METRICS.index(metric)]
