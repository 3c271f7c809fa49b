"""Whole-picture shifts: what they do to the election, and what undoing them gives back."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...elect_core.relevance import aggregate
from ...elect_core.schedule import step_count, window_steps
from ...elect_core.score import background_inconsistency
from ...elect_core.selection import rank
from ...nodes.elect.placed import aligned
from ...nodes.elect.selection import SPACES
from ...nodes.host.latents import mask_like, to_mask
from ..bootstrap import interval
from ..edits import EditBench
from .runs import load_run

STOP, WINDOW, FARTHEST = 0.4, (0.0, 0.2), 2
SHARES = {"none": 0.0, "half": 0.5, "all": 1.0}
"""How many of the candidates are moved."""
Policy = tuple[str, str, bool]
"""Space, share of the candidates that are moved, whether shifts are undone."""


def draw_shifts(number: int, share: float, generator: torch.Generator) -> Tensor:
    """Shifts of up to two pixels each way for a share of the candidates, none for the rest.

    Returns (N, 2), whole pixels.
    """
    shifts = torch.randint(-FARTHEST, FARTHEST + 1, (number, 2), generator=generator)
    moved = torch.randperm(number, generator=generator) < round(share * number)
    return shifts * moved[:, None]


def move(pictures: Tensor, shifts: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) moved by whole pixels down and right; edges are repeated."""
    height, width = pictures.shape[-2:]
    wide = F.pad(pictures, (FARTHEST,) * 4, mode="replicate")
    return torch.stack(
        [
            one[:, FARTHEST - down :, FARTHEST - right :][:, :height, :width]
            for one, (down, right) in zip(wide, shifts.tolist(), strict=True)
        ]
    )


def elect(source: Tensor, estimates: Tensor, mask: Tensor, space: str, align: bool):
    """Index of the candidate with the lowest BIS, and the shifts found (None if not asked)."""
    weight, found = mask_like(mask, estimates), None
    if align:
        source, estimates, weight, found = aligned(source, estimates, weight, space)
    return rank(background_inconsistency(source, estimates, weight)).elected, found


def measure(
    bench: EditBench, index: int, folder: Path
) -> tuple[dict[Policy, float], float, dict[tuple[str, str], float]]:
    """Background MSE x1e4 of whom each policy elects, that of a seed, and the shifts recovered.

    The MSE is of the elected candidate's finished picture before it was moved, so that it is the
    choice that is measured. Recovered: by space and share moved, the share of candidates whose
    shift is found to within a pixel both ways.
    """
    edit, run = bench.edit(index), load_run(folder, index)
    num_steps, number = run.estimates.shape[:2]
    stop_step = step_count(STOP, num_steps)
    steps = window_steps(*WINDOW, num_steps, stop_step)
    mask = to_mask(aggregate([run.maps[step] for step in steps], "paper"), *edit.mask.shape)
    scale, latent = bench.model.model.process_latent_in, bench.source_latent(edit)

    def chw(latents: Tensor) -> Tensor:
        return bench.decode(latents).movedim(-1, 1)

    source, at_stop = chw(latent), chw(run.estimates[stop_step - 1])
    error = (chw(run.estimates[-1]) - source).square().mean(1)
    worth = 1e4 * error[:, torch.from_numpy(edit.mask == 0)].mean(1)
    chosen, recovered = {}, {}
    for moved, share in SHARES.items():
        shifts = draw_shifts(number, share, torch.Generator().manual_seed(index))
        pictures = move(at_stop, shifts)
        latents = run.estimates[stop_step - 1]
        if share > 0:
            latents = bench.vae.encode(pictures.movedim(1, -1))
        shown = {"pixel": (source, pictures), "latent": (scale(latent), scale(latents))}
        for space, align in itertools.product(SPACES, (False, True)):
            origin, seen = shown[space]
            elected, found = elect(origin, seen, mask, space, align)
            chosen[space, moved, align] = float(worth[elected])
            if found is not None:
                pixels = found * (8 if space == "latent" else 1)
                near = ((pixels - shifts).abs() <= 1).all(1)
                recovered[space, moved] = float(near.float().mean())
    return chosen, float(worth.mean()), recovered


def write_alignment(
    bench: EditBench, folder: Path, num_edits: int, path: Path, command: str
) -> str:
    """Write the table; `folder` holds the tapes of the edits."""
    with torch.inference_mode():
        measured = [measure(bench, index, folder) for index in range(num_edits)]

    def shown(values: np.ndarray) -> str:
        return "{:.1f} [{:.1f}, {:.1f}]".format(*interval(values))

    lines = [
        "# Whole-picture shifts and the election",
        "",
        f"Made by `{command}`.",
        f"Background MSE x1e4 of the elected candidate ({num_edits} test edits, variant",
        f"*{bench.variant}*, stop {STOP:.0%}, relevance map, no guard), with 95 % bootstrap",
        "intervals. *Moved*: the estimates of so many of an edit's candidates, drawn at",
        f"random, are moved by up to {FARTHEST} pixels each way before they are scored; the MSE is",
        "that of the unmoved picture, so that only the choice counts. *Aligned*: `align` of",
        "BISSelect. *Found*: shifts told to within a pixel both ways.",
        "",
        "| moved | space | as they are | aligned | difference, edit by edit | found |",
        "|---|---|---|---|---|---|",
    ]
    for moved, space in itertools.product(SHARES, SPACES):
        plain, aligned = (
            np.array([chosen[space, moved, on] for chosen, _, _ in measured])
            for on in (False, True)
        )
        cells = map(shown, (plain, aligned, aligned - plain))
        found = np.mean([recovered[space, moved] for _, _, recovered in measured])
        lines.append(f"| {moved} | {space} | {' | '.join(cells)} | {found:.0%} |")
    seed = shown(np.array([mean for _, mean, _ in measured]))
    lines += ["", f"A seed at random: {seed}.", ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return "\n".join(lines)
