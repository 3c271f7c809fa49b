"""Thumbnails of workflows that elect: each shows what that workflow is for.

Which sheet it is follows from the nodes: a mask of one's own, all seeds run to their ends,
candidates saved, a race, several wordings; else before, after and a strip of candidates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from PIL import Image

from ..workflows.summary import nodes_of
from .cells import GAP, SIZE, STRIP, Cell, paste_row, sheet, write_line

STRIP_TILES = 5
REDDER = 0.55
"""How much of the red a mask lays over a picture."""


@dataclass(frozen=True)
class Election:
    """What a run showed. tiles: of each candidate, by its number; facts: what the node told."""

    prompt: dict
    instruction: str
    source: Image.Image
    mask: Image.Image
    edited: Image.Image
    tiles: list[Image.Image]
    facts: dict

    @property
    def order(self) -> list[int]:
        return self.facts["order"]

    def cell(self, place: int, label: str | None = None, framed: bool | None = None) -> Cell:
        """The candidate at a place from the best on, labelled with place and score."""
        index = self.order[place]
        told = f"{place + 1}: {self.facts['scores'][index]:.3f}" if label is None else label
        chosen = index == self.facts["elected"] if framed is None else framed
        return Cell(self.tiles[index], told, chosen)

    def spread(self, count: int) -> list[Cell]:
        """So many cells, evenly from the best to the worst."""
        last = len(self.order) - 1
        return [self.cell(round(k * last / (count - 1))) for k in range(count)]

    def before(self, label: str = "") -> Cell:
        return Cell(self.source, label or f"before: {self.instruction}")

    def after(self, label: str = "") -> Cell:
        return Cell(self.edited, label or f"after: the best of {len(self.order)}", True)


def beside_a_strip(shown: Election) -> Image.Image:
    """Before and after large, and below them candidates from the best to the worst."""
    made = sheet()
    paste_row(made, [shown.before(), shown.after()], 316, GAP)
    paste_row(made, shown.spread(STRIP_TILES), 124, 340)
    return made


def by_a_mask(shown: Election) -> Image.Image:
    """Before, the mask in red on it, and after; below them twice as many candidates."""
    red = Image.new("RGB", shown.source.size, "#ff2020")
    weight = shown.mask.convert("L").resize(shown.source.size)
    weight = weight.point([round(REDDER * value) for value in range(256)])
    painted = Image.composite(red, shown.source.convert("RGB"), weight)
    made = sheet()
    row = [shown.before(), Cell(painted, "your mask: what may change"), shown.after()]
    paste_row(made, row, 209, GAP)
    many = shown.spread(2 * STRIP_TILES)
    paste_row(made, many[:STRIP_TILES], 126, 218)
    paste_row(made, many[STRIP_TILES:], 126, 349)
    return made


def all_finished(shown: Election) -> Image.Image:
    """Every candidate in a square, before and after beside it."""
    made, side = sheet(), 118
    places = range(len(shown.order))
    for row in range(4):
        cells = [shown.cell(place) for place in places[4 * row : 4 * row + 4]]
        paste_row(made, cells, side, GAP + row * (side + 1), left=SIZE[0] - 4 * (side + 1))
    paste_row(made, [shown.before("before")], 156, 80, left=GAP)
    paste_row(made, [shown.after("all finished")], 156, 244, left=GAP)
    return made


def saved_and_loaded(shown: Election) -> Image.Image:
    """Today's candidates in a square, those that were saved, and what was finished of them."""
    made, side = sheet(), 78
    kept = next(node for _, node in nodes_of(shown.prompt, "BISSelect"))["inputs"]["top_k"]
    for row in range(4):
        places = range(4 * row, min(4 * row + 4, len(shown.order)))
        cells = [shown.cell(place, "", place < kept) for place in places]
        paste_row(made, cells, side, 84 + row * (side + 1), left=2)
    paste_row(made, [shown.before("before")], side, GAP, left=2)
    write_line(made, shown.instruction, (side + 12, 24))
    write_line(made, f"today: {len(shown.order)} tried", (side + 12, 44))
    saved = [shown.cell(place, f"saved: {place + 1}", True) for place in range(kept)]
    paste_row(made, saved, 150, 4, left=324)
    paste_row(made, [shown.after("tomorrow: finished")], 312, 162, left=324)
    return made


def rung_by_rung(shown: Election) -> Image.Image:
    """Who still ran at each rung of a race, larger from rung to rung; the result below."""
    made, ran, top = sheet(), shown.facts["ran_steps"], GAP
    rungs = sorted(set(ran))
    for rung in rungs:
        places = [k for k, index in enumerate(shown.order) if ran[index] >= rung]
        side = min(96, (SIZE[0] - GAP) // len(places) - 2)
        paste_row(made, [shown.cell(place, "") for place in places], side, top)
        top += side + GAP
    side = min(SIZE[1] - top - GAP, 316)
    paste_row(made, [shown.before("before"), shown.after(f"after: 1 of {len(ran)}")], side, top)
    return made


def by_wordings(shown: Election) -> Image.Image:
    """A row of candidates for each wording, before and after beside them."""
    made, runs = sheet(), shown.facts["runs"]
    by_run = sorted(range(len(shown.order)), key=lambda place: (runs[shown.order[place]], place))
    rows = [list(group) for _, group in groupby(by_run, lambda k: runs[shown.order[k]])]
    side = min(94, SIZE[1] // len(rows) - GAP - STRIP)
    for number, row in enumerate(rows):
        top = GAP + number * SIZE[1] // len(rows)
        write_line(made, shown.facts["run_names"][number] or shown.instruction, (160, top))
        cells = [shown.cell(place) for place in row[:STRIP_TILES]]
        paste_row(made, cells, side, top + STRIP, left=160)
    paste_row(made, [shown.before("before")], 152, 80, left=GAP)
    paste_row(made, [shown.after()], 152, 244, left=GAP)
    return made


def _has(prompt: dict, kind: str) -> bool:
    return any(True for _ in nodes_of(prompt, kind))


def _masked(prompt: dict) -> bool:
    return any("mask" in node["inputs"] for _, node in nodes_of(prompt, "BISSelect"))


def _runs_all(prompt: dict) -> bool:
    samplers = nodes_of(prompt, "MultiSeedPartialSampler")
    return any(node["inputs"].get("stop") == 1.0 for _, node in samplers)


SHEETS: Mapping[Callable[[Election], Image.Image], Callable[[dict], bool]] = {
    rung_by_rung: lambda prompt: _has(prompt, "ELECTRace"),
    by_wordings: lambda prompt: _has(prompt, "PoolCandidates"),
    saved_and_loaded: lambda prompt: _has(prompt, "SaveCandidates"),
    by_a_mask: _masked,
    all_finished: _runs_all,
    beside_a_strip: lambda _: True,
}
"""Each sheet, and of which prompts it is; the first that holds."""


def election_sheet(shown: Election) -> Image.Image:
    return next(draw for draw, holds in SHEETS.items() if holds(shown.prompt))(shown)
