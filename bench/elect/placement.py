"""Known zooms and shifts of the embedded world's edits: how exactly they are found."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ...elect_core.placement import ON_SOURCE, displacement, find_placements, move_back
from ..edits import EditBench

ZOOM, SHIFT = 0.03, 4.0
"""The largest: of a zoom of each axis, and of a shift in pixels."""
CASES = {
    "true edit, its mask known": (False, True),
    "true edit, no mask": (False, False),
    "through the VAE, its mask known": (True, True),
    "through the VAE, no mask": (True, False),
}
"""Whether the moved picture goes through the VAE, and whether the edited region is told."""


def draw(generator: torch.Generator) -> Tensor:
    """A placement (4,) with each part uniform within its limit."""
    parts = 2 * torch.rand(4, generator=generator) - 1
    return torch.tensor(ON_SOURCE) + parts * torch.tensor([ZOOM, ZOOM, SHIFT, SHIFT])


def put(picture: Tensor, placement: Tensor) -> Tensor:
    """A picture (1, C, h, w) that lies on the source, as a model would give it back."""
    zoom, shift = placement[:2], placement[2:]
    return move_back(picture, torch.cat([1 / zoom, -shift / zoom])[None])


def residual(found: Tensor, truth: Tensor, height: int, width: int) -> float:
    """How far points still lie off after what was found has been undone, in pixels."""
    zoom = found[:2] / truth[:2]
    rest = torch.cat([zoom, (found[2:] - truth[2:]) / truth[:2]])
    return float(displacement(rest[None], height, width))


def measure(bench: EditBench, index: int) -> dict[str, tuple[float, float, float]]:
    """By case: how far the edit lay off, how far it does afterwards, and what is found of none."""
    edit = bench.edit(index)
    drawn = (edit.source, edit.target)
    source, target = (torch.from_numpy(one).movedim(-1, 0)[None] for one in drawn)
    truth = draw(torch.Generator().manual_seed(index))
    height, width = source.shape[-2:]
    mask, found = torch.from_numpy(edit.mask)[None, None], {}
    for name, (coded, told) in CASES.items():
        background = 1 - mask if told else torch.ones_like(mask)
        off = []
        for placement in (truth, torch.tensor(ON_SOURCE)):
            moved = put(target, placement).clamp(0, 1)
            if coded:
                moved = bench.decode(bench.vae.encode(moved.movedim(1, -1))).movedim(-1, 1)
            (one,) = find_placements(source, moved, background)
            off.append(residual(one, placement, height, width))
        found[name] = (float(displacement(truth[None], height, width)), *off)
    return found


def write_placement(bench: EditBench, num_edits: int, path: Path) -> str:
    """Write the table."""
    with torch.inference_mode():
        measured = [measure(bench, index) for index in range(num_edits)]
    lines = [
        "# Zooms and shifts of the whole picture",
        "",
        f"Made by `python3 dev.py bench placement --edits {num_edits}`. {num_edits} test edits",
        f"of the embedded world (128x128), each zoomed by up to {ZOOM:.0%} in each axis and moved",
        f"by up to {SHIFT:g} pixels each way. *Off*: how far a point lies off its place, root mean",
        "square over the picture, in pixels: as drawn, and after what was found is undone. *False",
        "alarm*: the same for edits that were not moved at all.",
        "",
        "| case | off, median | after, median | after, 95th percentile | false alarm, largest |",
        "|---|---|---|---|---|",
    ]
    for name in CASES:
        before, after, alarm = torch.tensor([one[name] for one in measured]).T
        cells = (before.median(), after.median(), after.quantile(0.95), alarm.max())
        lines.append(f"| {name} | {' | '.join(f'{float(cell):.3f}' for cell in cells)} |")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return "\n".join(lines)
