"""The page on finishes with the source kept: docs/elect_finish.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bootstrap import interval
from .finish import COLUMNS, FEATHER, NUM_SEEDS, STOP, WAYS, Finished
from .report import DOCS

_HEADS = {
    "success": ("success %", 100),
    "no_edit": ("no edit %", 100),
    "background": ("background MSE x1e4", 1),
    "error": ("edit's error x1e4", 1),
    "seam": ("seam, of 255", 1),
}
_WHO = {"seed": "one seed", "elected": "the default's choice"}

_PAGE = """# Finishing with the source kept

Made by `{command}`. {edits} test edits of the embedded world, 16 seeds, Euler, 20 steps.
*One seed*: mean of the first {seeds}, each with its own relevance map; *the default's choice*: of
16, stop {stop:.0%}, guard 0.8, with the map of all. 95 % bootstrap intervals in brackets.

- *background*: mean squared error outside the true mask, *edit's error*: inside it, to the true
  edit; both against the pictures themselves, so that the VAE's own loss counts (elsewhere it counts
  for nobody).
- *seam*: how much stronger neighbouring pixels differ than in the source and in the true edit,
  where edit and source meet (weight one half); mean, of 255. Of what is not pasted: on
  *FinishClean*'s line.
- *hard edge*: the source where the relevance map, split by Otsu, is low. *FinishClean*: the node's
  defaults, feather {feather}, colours matched. *Blended back*: blend_mask of ResumeDenoise, with
  the same feather.

## What is left for election to do

A background can be bought by pasting the source back. What the choice is worth where **both are
finished clean**, and what finishing clean is worth to the default's choice, edit by edit:

{gains}
{models}"""


@dataclass(frozen=True)
class Model:
    """One variant's edits."""

    variant: str
    edits: Sequence[Finished]

    def values(self, who: str, way: str) -> np.ndarray:
        """COLUMNS of every edit, (E, COLUMNS)."""
        place = list(WAYS).index(way)
        return np.stack([getattr(one, who)[place] for one in self.edits])

    def bound(self, name: str) -> np.ndarray:
        """COLUMNS of every edit of what needs no choice."""
        return np.stack([getattr(one, name) for one in self.edits])


def _cells(values: np.ndarray, columns: Sequence[str], sign: str = "") -> str:
    """Means and intervals of (E, COLUMNS), as the cells of one row."""
    cells = []
    for name in columns:
        scale = _HEADS[name][1]
        means = interval(values[:, COLUMNS.index(name)])
        numbers = (round(scale * float(one), 1) + 0.0 for one in means)  # no minus before a zero
        mean, low, high = (f"{one:{sign}.1f}" for one in numbers)
        cells.append(f"{mean} [{low}, {high}]")
    return " | ".join(cells)


def _table(first: Sequence[str], columns: Sequence[str], rows: Sequence[str]) -> str:
    heads = [*first, *(_HEADS[name][0] for name in columns)]
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows])


def model_table(model: Model) -> str:
    """Every way of both, and what bounds them."""
    rows = [
        f"| {said} | {way_said} | {_cells(model.values(who, way), COLUMNS)} |"
        for who, said in _WHO.items()
        for way, way_said in WAYS.items()
    ]
    bounds = {"untouched": "no edit: the source", "coded": "the true edit through the VAE"}
    rows += [
        f"| {said} | | {_cells(model.bound(name), COLUMNS)} |" for name, said in bounds.items()
    ]
    return _table(("choice", "finish"), COLUMNS, rows)


def gains(models: Sequence[Model]) -> str:
    """Paired differences of the choice and of the finish."""
    shown = [name for name in COLUMNS if name != "no_edit"]
    rows = []
    for model in models:
        clean = model.values("elected", "clean")
        for said, base in (
            ("the choice, both clean", model.values("seed", "clean")),
            ("the clean finish", model.values("elected", "plain")),
        ):
            rows.append(f"| *{model.variant}* | {said} | {_cells(clean - base, shown, '+')} |")
    return _table(("model", "gain of"), shown, rows)


def write_finish(models: Sequence[Model], command: str, path: Path | None = None) -> str:
    """Write the page."""
    tables = [f"\n## *{model.variant}*\n\n{model_table(model)}\n" for model in models]
    text = _PAGE.format(
        command=command,
        edits=len(models[0].edits),
        seeds=NUM_SEEDS,
        stop=STOP,
        feather=FEATHER,
        gains=gains(models),
        models="".join(tables),
    )
    (path or DOCS / "elect_finish.md").write_text(text, encoding="utf-8")
    return text
