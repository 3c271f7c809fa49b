"""Who is elected by every rule at every stop, and what each finished candidate is worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...elect_core.relevance import FORMS, aggregate, change_weight, token_weight
from ...elect_core.schedule import step_count, window_steps
from ...elect_core.score import (
    CRITERIA,
    background_inconsistency,
    change_inside,
    edit_share,
    idle,
    median_estimate,
)
from ...elect_core.selection import rank
from ...embedded.world.samples import Sample
from ...nodes.host.latents import mask_like, to_mask
from ...tensor_files import written_whole
from ..digest import digest
from ..edits import EditBench
from .rules import RULES, Key, Rule
from .runs import EditRun, load_run
from .worth import judge_pictures, paste_back

STOPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0)
NUMBERS = (2, 4, 8, 16)
PIXEL_STOPS = (0.4, 1.0)  # decoding sixteen estimates costs more than all scores together
MAPS = (*FORMS, "change", "both", "tokens")
WINDOW = (0.0, 0.2)


@dataclass(frozen=True)
class Measured:
    """All that the policies need of one edit; the last three of models with a relevance map.

    worth (N, METRICS): of each candidate's finished picture
    elected: elected candidate of each disjoint group, for every rule, stop and size of the groups
    iou (MAPS,): of the map, at the threshold that marks as many pixels as the truth
    pasted (N, METRICS): of the same pictures with the source back outside the relevance map
    untouched (METRICS,): of the source itself
    """

    worth: np.ndarray
    elected: dict[Key, list[int]]
    iou: np.ndarray = field(default_factory=lambda: np.empty(0))
    pasted: np.ndarray = field(default_factory=lambda: np.empty(0))
    untouched: np.ndarray = field(default_factory=lambda: np.empty(0))


def _once(method: Callable) -> Callable:
    """A method that keeps what it returns, by its arguments, as long as its object lives."""

    @wraps(method)
    def kept(self, *key):
        values = vars(self).setdefault("_kept", {})
        if (method, key) not in values:
            values[method, key] = method(self, *key)
        return values[method, key]

    return kept


class Weights:
    """Edit masks of one edit as the nodes use them, each made once."""

    def __init__(self, edit: Sample, run: EditRun, source: Tensor, scale):
        self.run, self.source, self.scale = run, scale(source), scale
        self.size = edit.mask.shape
        self.truth = torch.from_numpy(edit.mask)[None]

    @_once
    def mask(self, name: str, rows: tuple[int, ...], stop_step: int) -> Tensor:
        """MASK (1, H, W) of some candidates that were stopped after `stop_step` steps."""
        if name == "truth":
            return self.truth
        if name == "both":
            maps = (self.mask(one, rows, stop_step) for one in ("paper", "change"))
            return torch.maximum(*maps)
        if name == "change":
            estimates = self.scale(self.run.estimates[stop_step - 1][list(rows)])
            return to_mask(change_weight(self.source, median_estimate(estimates)), *self.size)
        if name == "tokens":
            estimates = self.scale(self.run.estimates[stop_step - 1][list(rows)])
            return to_mask(token_weight(self.source, estimates), *self.size)
        steps = window_steps(*WINDOW, len(self.run.estimates), stop_step)
        return to_mask(aggregate([self.run.maps[k][list(rows)] for k in steps], name), *self.size)


def _iou(mask: Tensor, truth: Tensor) -> float:
    up = mask.flatten()
    count = int(truth.sum())
    marked = torch.zeros_like(up)
    marked[up.topk(count).indices] = 1
    both = float((marked * truth.flatten()).sum())
    return both / (2 * count - both)


def groups(number: int, num_candidates: int) -> list[tuple[int, ...]]:
    """Rows of the disjoint groups of `number` candidates that there are."""
    starts = range(0, num_candidates - number + 1, number)
    return [tuple(range(first, first + number)) for first in starts]


class View:
    """Some candidates in one space after one step: each score made once for all rules.

    rows: which they are; source (1, C, h, w), pictures (N, C, h, w)
    """

    def __init__(self, weights: Weights, rows: tuple[int, ...], step: int, source, pictures):
        self.weights, self.rows, self.step = weights, rows, step
        self.source, self.pictures = source, pictures[list(rows)]

    @_once
    def weight(self, mask: str) -> Tensor:
        """Of the edit, at the size of the space."""
        return mask_like(self.weights.mask(mask, self.rows, self.step), self.source)

    @_once
    def changes(self, mask: str) -> tuple[Tensor, Tensor, Tensor]:
        """Change outside, inside, and the share of the median edit, each (N,)."""
        given = (self.source, self.pictures, self.weight(mask))
        outside, inside = background_inconsistency(*given), change_inside(*given)
        return outside, inside, edit_share(outside, inside)

    @_once
    def scores(self, mask: str, criterion: str) -> Tensor:
        """What is elected by, (N,)."""
        if criterion == "bis":
            return self.changes(mask)[0]
        return CRITERIA[criterion](self.source, self.pictures, self.weight(mask))

    def elected(self, rule: Rule) -> int:
        """The candidate's place among all."""
        outside, inside, shares = self.changes(rule.mask)
        guard = rule.guard if bool(self.weight(rule.mask).any()) else 0.0
        scores = self.scores(rule.mask, rule.criterion)
        return self.rows[rank(scores, shares, guard, idle(outside, inside)).elected]


def elections(
    bench: EditBench,
    weights: Weights,
    source: Tensor,
    finished: Tensor,
    stops: Sequence[float],
    rules: Sequence[Rule] = RULES,
) -> dict[Key, list[int]]:
    """Who is elected under every rule, stop and number of candidates.

    source (1, C, h, w): LATENT scale; finished (N, 3, H, W): the decoded last estimates
    """
    estimates = weights.run.estimates
    num_steps, num_candidates = estimates.shape[:2]
    pixels = _chw(bench, source)
    found: dict[Key, list[int]] = {}
    for stop in stops:
        stop_step = step_count(stop, num_steps)
        shown = {"latent": (weights.source, weights.scale(estimates[stop_step - 1]))}
        if stop in PIXEL_STOPS:
            last = stop_step == num_steps
            decoded = finished if last else _chw(bench, estimates[stop_step - 1])
            shown["pixel"] = (pixels, decoded)
        for space, (origin, pictures) in shown.items():
            for number in NUMBERS:
                views = [
                    View(weights, rows, stop_step, origin, pictures)
                    for rows in groups(number, num_candidates)
                ]
                for rule in (one for one in rules if one.space == space):
                    key = (rule.mask, rule.space, rule.criterion, rule.guard)  # as plain values
                    found[key, stop, number] = [view.elected(rule) for view in views]
    return found


def _chw(bench: EditBench, latents: Tensor) -> Tensor:
    return bench.decode(latents).movedim(-1, 1)


@cache
def _code_version() -> str:
    """Names the code that scores, so that what older code measured is not taken for its own."""
    here = Path(__file__).resolve().parent
    files = [
        here / "measure.py",
        here / "rules.py",
        *sorted((here.parents[1] / "elect_core").glob("*.py")),
    ]
    return digest(files)


def measure_edit(
    bench: EditBench, index: int, folder: Path, stops: Sequence[float] = STOPS
) -> Measured:
    """Measure one edit, or read what was measured before."""
    path = folder / f"{index:04}.{_code_version()}-{bench.fingerprint('vae')}.pt"
    if path.exists():
        kept = torch.load(path, weights_only=True)
        elected = kept.pop("elected")
        return Measured(elected=elected, **{key: value.numpy() for key, value in kept.items()})
    edit, run = bench.edit(index), load_run(folder, index)
    with torch.inference_mode():
        latent = bench.source_latent(edit)
        finished = _chw(bench, run.estimates[-1])
        pictures = finished.movedim(1, -1).clamp(0, 1).numpy()
        source = bench.decode(latent)[0].clamp(0, 1).numpy()
        weights = Weights(edit, run, latent, bench.model.model.process_latent_in)
        elected = elections(bench, weights, latent, finished, stops)
        num_steps, num_candidates = run.estimates.shape[:2]
        masks = [weights.mask(name, tuple(range(num_candidates)), num_steps) for name in MAPS]
    pasted = paste_back(pictures, source, masks[0][0].numpy())
    measured = Measured(
        judge_pictures(edit, pictures, source),
        elected,
        np.array([_iou(mask, weights.truth) for mask in masks]),
        judge_pictures(edit, pasted, source),
        judge_pictures(edit, source[None], source)[0],
    )
    kept = {
        key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for key, value in vars(measured).items()
    }
    with written_whole(path) as part:
        torch.save(kept, part)
    return measured
