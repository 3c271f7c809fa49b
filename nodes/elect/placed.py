"""Candidates laid on the source: a shift, and a zoom too where asked, found and undone."""

from __future__ import annotations

import torch
from torch import Tensor

from ...elect_core.alignment import common_view, global_shift, undo_shift
from ...elect_core.placement import displacement, find_placements, in_view, move_back
from .selection import Selection

SHIFTS = {"latent": (1.0, 16), "pixel": (8.0, 1)}
"""How far whole-picture shifts are looked for, in cells, and in how many parts of one."""


def placed(
    source: Tensor, estimates: Tensor, weight: Tensor, selection: Selection
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """All three as every candidate shows them, the candidates laid on the source, and how they lay.

    source (1, C, [T,] h, w), estimates (N, C, [T,] h, w); weight (1, 1, [T,] h, w): 1 = edited
    The placements (N, 4) are in cells of the space; None where nothing was asked for.
    """
    if selection.zoom:
        return zoomed(source, estimates, weight)
    if not selection.align:
        return source, estimates, weight, None
    source, moved, weight, shifts = aligned(source, estimates, weight, selection.space)
    return source, moved, weight, torch.cat([torch.ones_like(shifts), shifts], 1)


def aligned(
    source: Tensor, estimates: Tensor, weight: Tensor, space: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All three as every shifted estimate shows them, estimates moved back, and the shifts.

    The shifts (N, 2) are in cells of the space.
    """
    shifts = global_shift(source, estimates, *SHIFTS[space])
    moved = undo_shift(estimates, shifts)
    source, moved, weight = (common_view(one, shifts) for one in (source, moved, weight))
    return source, moved, weight, shifts


def zoomed(
    source: Tensor, estimates: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `aligned`, with a zoom of each axis; the placements (N, 4) are in cells of the space."""
    placements = find_placements(source, estimates, 1 - weight)
    moved = move_back(estimates, placements)
    height, width = source.shape[-2:]
    down, right = in_view(height, width, placements)

    def cut(one: Tensor) -> Tensor:
        return one[..., down : height - down, right : width - right]

    return cut(source), cut(moved), cut(weight), placements


def in_pixels(placements: Tensor, pixels: int) -> Tensor:
    """Placements in cells of a latent as placements in pixels."""
    return placements * torch.tensor([1, 1, pixels, pixels]).to(placements)


def place_factor(placements: Tensor | None, view: Tensor, selection: Selection) -> Tensor | float:
    """What a candidate's score is multiplied with for lying off the source, (N,) or 1.

    placements: in pixels; view (..., h, w): the compared part, in cells of the space
    """
    if placements is None or selection.keep_place == 0:
        return 1.0
    off = displacement(placements, *_size_in_pixels(view, selection))
    return (1 + selection.keep_place * off).to(view.device)


def _size_in_pixels(view: Tensor, selection: Selection) -> tuple[int, int]:
    ratio = 1 if selection.space == "pixel" else 8
    return ratio * view.shape[-2], ratio * view.shape[-1]


def in_words(placement: Tensor) -> str:
    """How a candidate lies on the source, for people: "1.2 % larger, 3 px down"; else empty.

    placement (4,): in pixels
    """
    down, right, y, x = placement.tolist()
    said = []
    if abs(down - right) < 5e-4 and abs(down - 1) >= 5e-4:
        said.append(f"{abs(down - 1):.1%} {'larger' if down > 1 else 'smaller'}")
    else:
        axes = ((right, "wider", "narrower"), (down, "taller", "shorter"))
        said += [
            f"{abs(zoom - 1):.1%} {more if zoom > 1 else less}"
            for zoom, more, less in axes
            if abs(zoom - 1) >= 5e-4
        ]
    moves = ((y, "down", "up"), (x, "right", "left"))
    said += [
        f"{abs(shift):.1f} px {ahead if shift > 0 else back}"
        for shift, ahead, back in moves
        if abs(shift) >= 0.05
    ]
    return ", ".join(said).replace("%", " %")
