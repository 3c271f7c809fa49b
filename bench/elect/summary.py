"""The page for readers: what election is worth on every embedded model that edits, in two tables.

Fills `does_it_work.md` beside this file, whose words are written by hand, into docs/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import matplotlib
import numpy as np
import torch

from ...elect_core.race import halving
from ..bootstrap import interval
from ..markdown import markdown
from .contest import recorded
from .measure import MAPS, groups
from .policies import (
    Policy,
    Result,
    calls_to_reach,
    elect,
    evaluate,
    oracle,
    pasted_seed,
    untouched,
    vanilla,
)
from .races import Policy as RacePolicy
from .races import outcome
from .report import DOCS
from .rules import PAPER, SAFE
from .runs import load_run
from .section import HEADS, Section
from .worth import METRICS

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

NUMBERS = (2, 4, 8, 16)
DEFAULT, RACE, BEST = 3, 4, 5
"""The nodes' default among the rows of a chapter, the race, and the paper's Best-of-N."""
_PAGE = Path(__file__).with_name("does_it_work.md")


@dataclass(frozen=True)
class Row:
    """What a choice costs and gives: calls, and METRICS of every edit, (E, METRICS)."""

    name: str
    nfe: int
    values: np.ndarray

    def cell(self, metric: str, scale: float = 1.0) -> str:
        """Mean and interval."""
        mean, low, high = (scale * one for one in interval(self.values[:, METRICS.index(metric)]))
        return f"{mean:.1f} [{low:.1f}, {high:.1f}]"

    def mean(self, metric: str) -> float:
        """Over edits."""
        return float(self.values[:, METRICS.index(metric)].mean())


@dataclass(frozen=True)
class Chapter:
    """All that the page says of one model; races: by the number of candidates."""

    section: Section
    races: Mapping[int, Policy]

    @property
    def race(self) -> Policy:
        """Over all candidates."""
        return self.races[self.section.num_candidates]

    @property
    def numbers(self) -> list[int]:
        """Of candidates, as far as there are so many."""
        return [n for n in NUMBERS if n <= self.section.num_candidates]

    @property
    def variant(self) -> str:
        """Of the embedded model."""
        return self.section.bench.variant

    def row(self, policy: Policy, name: str) -> Row:
        """A policy of the long tables, under a shorter name."""
        values = np.stack([policy.value(one) for one in self.section.measured])
        return Row(name, policy.nfe, values)

    @cached_property
    def rows(self) -> list[Row]:
        """The page's table of choices."""
        n, k = self.section.num_candidates, self.section.num_steps
        return [
            self.row(vanilla(k), "one seed"),
            self.row(elect(PAPER, 0.4, n, k), f"ELECT of {n}, stop 40 %, the paper's"),
            self.row(elect(SAFE, 0.2, n, k), f"ELECT of {n}, stop 20 %, guard 0.8"),
            self.row(elect(SAFE, 0.4, n, k), f"**ELECT of {n}, stop 40 %, guard 0.8** (default)"),
            self.row(self.race, self.race.name),
            self.row(elect(PAPER, 1.0, n, k), f"Best-of-{n} by BIS, the paper's"),
            self.row(elect(SAFE, 1.0, n, k), f"Best-of-{n} by BIS, guard 0.8"),
            self.row(oracle(n, k), f"the best of {n} by the ground truth"),
            self.row(untouched(), "no edit: the source"),
            self.row(pasted_seed(k), "one seed, source pasted back"),
            self.row(elect(SAFE, 0.4, n, k, pasted=True), "the default, source pasted back"),
        ]


@torch.inference_mode()
def races(section: Section, folder: Path) -> dict[int, Policy]:
    """The race *halving* over every disjoint group of 4, 8 and all, on the tapes in `folder`."""
    found: dict[int, list[tuple[np.ndarray, float]]] = {}
    total = section.num_candidates
    numbers = [n for n in NUMBERS if 2 < n <= total]
    for index, measured in enumerate(section.measured):
        one = recorded(section.bench, section.bench.edit(index), load_run(folder, index))
        for number in numbers:
            policy = RacePolicy("halving", halving(number, section.num_steps))
            rows = groups(number, total)
            ends = [outcome(one.rows(some), policy) for some in rows]
            chosen = [some[row] for some, (row, _) in zip(rows, ends, strict=True)]
            calls = float(np.mean([nfe for _, nfe in ends]))
            found.setdefault(number, []).append((measured.worth[chosen].mean(0), calls))
    return {number: _as_policy(number, section, each) for number, each in found.items()}


def _as_policy(number: int, section: Section, each: Sequence[tuple[np.ndarray, float]]) -> Policy:
    values = {id(m): worth for m, (worth, _) in zip(section.measured, each, strict=True)}
    calls = round(np.mean([calls for _, calls in each]))
    return Policy(f"race *halving* of {number}", calls, lambda measured: values[id(measured)])


def _table(chapters: Sequence[Chapter], cell) -> str:
    lines = []
    for rows in zip(*(one.rows for one in chapters), strict=True):
        calls = np.mean([row.nfe for row in rows])
        lines.append([rows[0].name, f"{calls:.0f}", *map(cell, rows)])
    return markdown(["choice", "calls", *(f"*{one.variant}*" for one in chapters)], lines)


def background(chapters: Sequence[Chapter]) -> str:
    """Background error of every choice on every model."""
    return _table(chapters, lambda row: row.cell("mse"))


def successes(chapters: Sequence[Chapter]) -> str:
    """Share of edits done, and of those where nothing happened."""
    return _table(
        chapters,
        lambda row: f"{100 * row.mean('success'):.1f} ({100 * row.mean('no_edit'):.1f})",
    )


def bought(chapters: Sequence[Chapter]) -> str:
    """What the default gains over one seed, edit by edit, and what the like costs Best-of-N."""
    most = chapters[0].section.num_candidates
    like = ("ELECT of 4", f"of {most}", f"race of {most}")
    lines = []
    for chapter in chapters:
        rows, k = chapter.rows, chapter.section.num_steps
        gained = Row("", 0, rows[DEFAULT].values - rows[0].values)
        evaluated = partial(evaluate, measured=chapter.section.measured)
        ends = [evaluated(elect(SAFE, 1.0, n, k)) for n in chapter.numbers]
        curve = [evaluated(vanilla(k)), *ends]
        wanted = (elect(SAFE, 0.4, 4, k), elect(SAFE, 0.4, most, k), chapter.race)
        needed = [_needs(evaluated(policy), curve) for policy in wanted]
        cells = (gained.cell("mse"), gained.cell("success", 100), *needed)
        lines.append([f"*{chapter.variant}*", *cells])
    return markdown(["model", HEADS["mse"], "success, points", *like], lines)


def aimed(chapters: Sequence[Chapter]) -> str:
    """The race against the paper's Best-of-N, edit by edit, for a quarter of its calls."""
    lines = []
    for chapter in chapters:
        race, best = chapter.rows[RACE], chapter.rows[BEST]
        lost = Row(f"*{chapter.variant}*", 0, race.values - best.values)
        calls = f"{race.nfe} of {best.nfe}"
        lines.append([lost.name, calls, lost.cell("mse"), lost.cell("success", 100)])
    return markdown(["model", "calls", HEADS["mse"], "success, points"], lines)


def _needs(wanted: Result, curve: Sequence[Result]) -> str:
    """Times the calls that the curve's policies need for the like."""
    needed, nfe = calls_to_reach(wanted, curve), wanted.policy.nfe
    return f"> {curve[-1].policy.nfe / nfe:.1f} x" if needed is None else f"{needed / nfe:.1f} x"


def masks(chapters: Sequence[Chapter]) -> str:
    """IoU of every mask with the true one, on every model."""
    lines = ([name, *(f"{one.section.iou[name]:.2f}" for one in chapters)] for name in MAPS)
    return markdown(["mask", *(f"*{one.variant}*" for one in chapters)], lines)


def plot(chapters: Sequence[Chapter], path: Path) -> None:
    """Background error and success over calls, one column a model."""
    figure, axes = plt.subplots(
        2, len(chapters), figsize=(3 * len(chapters), 5), layout="constrained", squeeze=False
    )
    for column, chapter in enumerate(chapters):
        k, one = chapter.section.num_steps, chapter.rows[0]
        lines = {
            "Best-of-N": [chapter.row(elect(SAFE, 1.0, n, k), "") for n in chapter.numbers],
            "ELECT, stop 40 %": [chapter.row(elect(SAFE, 0.4, n, k), "") for n in chapter.numbers],
            "race": [chapter.row(policy, "") for _, policy in sorted(chapter.races.items())],
        }
        for axis, metric, scale in zip(axes[:, column], ("mse", "success"), (1, 100), strict=True):
            for label, rows in lines.items():
                points = [one, *rows]
                x, y = [p.nfe for p in points], [scale * p.mean(metric) for p in points]
                axis.plot(x, y, marker="o", markersize=3, label=label)
            axis.set(xscale="log", xlabel="calls")
            axis.set_xticks([k, 4 * k, 16 * k], [str(k), str(4 * k), str(16 * k)], minor=False)
            axis.minorticks_off()
        axes[0, column].set_title(chapter.variant)
    axes[0, 0].set_ylabel("background MSE x1e4")
    axes[1, 0].set_ylabel("success %")
    axes[0, 0].legend()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def write_summary(chapters: Sequence[Chapter], command: str) -> Path:
    """Fill the page."""
    plot(chapters, DOCS / "images" / "does_it_work.png")
    path = DOCS / "does_it_work.md"
    text = _PAGE.read_text(encoding="utf-8").format(
        command=command,
        num_edits=len(chapters[0].section.measured),
        num_seeds=chapters[0].section.num_candidates,
        split=chapters[0].section.bench.split,
        background=background(chapters),
        successes=successes(chapters),
        bought=bought(chapters),
        aimed=aimed(chapters),
        masks=masks(chapters),
    )
    path.write_text(text, encoding="utf-8")
    return path
