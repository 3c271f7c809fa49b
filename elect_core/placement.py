"""Zoom and shift: some models give the whole picture back a little larger, and moved.

Where a point x of the source lies in an estimate: ``centre + scale * (x - centre) + shift``, each
axis by itself, in cells. A placement is the row (scale down, scale right, shift down, shift right);
(1, 1, 0, 0) lies on the source.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ON_SOURCE = (1.0, 1.0, 0.0, 0.0)
LARGEST_ZOOM = 0.1
"""Zooms further from 1 are taken for another picture."""
_LEAST_SIDE = 24
_ENOUGH = 320
"""Shortest side, in cells, at which placements are exact enough: no finer size is looked at."""
_ITERATIONS = 12
_CLEAR_GAIN = 0.1  # what a placement must take off the difference, else the estimate lies right


def find_placements(source: Tensor, estimates: Tensor, background: Tensor) -> Tensor:
    """How each estimate lies on the source, by least squares over what was not edited.

    Gauss-Newton from coarse to fine (Lucas and Kanade, 1981) on what is left after local means are
    taken off, so that a change of colour or light does not count; each point weighs the less the
    more it differs (Huber), so that what the mask misses of an edit does not either.

    source (1, C, h, w), estimates (N, C, h, w): in the same space and scale
    background (1, 1, h, w): in [0, 1], 0 = edited
    Returns (N, 4) placements, float32; `ON_SOURCE` where the estimate lies right, is not finite,
    or shows nothing to go by.
    """
    source, weight = source.flatten(1, -3).float(), background.flatten(1, -3).float()
    weight = weight.mean(1, keepdim=True)
    found = [_fit(source, one.flatten(1, -3).float(), weight) for one in estimates.split(1)]
    return torch.stack(found)


def _fit(source: Tensor, estimate: Tensor, weight: Tensor) -> Tensor:
    on_source = torch.tensor(ON_SOURCE)
    if not bool(estimate.isfinite().all()) or not bool((weight > 0).any()):
        return on_source
    levels = [(source, estimate, weight)]
    while min(levels[-1][0].shape[-2:]) >= 2 * _LEAST_SIDE:
        levels.append(tuple(F.avg_pool2d(one, 2) for one in levels[-1]))  # type: ignore[arg-type]
    placement = torch.tensor(ON_SOURCE)
    finest = next(k for k, level in enumerate(levels) if min(level[0].shape[-2:]) <= _ENOUGH)
    a, b, used = levels[finest]
    for depth, level in enumerate(reversed(levels[finest:])):
        if depth:
            placement = placement * _doubled(1)
        a, b, used = _detail(level[0]), _detail(level[1]), level[2]
        placement = _refine(a, b, used, placement)
        if (placement[:2] - 1).abs().max() > LARGEST_ZOOM:
            return on_source
    inside = _moved_weight(used, placement)
    before, after = (_misfit(a, move_back(b, p[None]), inside) for p in (on_source, placement))
    return placement * _doubled(finest) if after < (1 - _CLEAR_GAIN) * before else on_source


def _doubled(times: int) -> Tensor:
    """Factors for a placement at a size that is 2 ** times as large."""
    return torch.tensor([1.0, 1.0, 2.0**times, 2.0**times])


def _detail(picture: Tensor) -> Tensor:
    """What is left of a picture without its local means, over 9 cells."""
    padded = F.pad(picture, (4, 4, 4, 4), mode="reflect")
    return picture - F.avg_pool2d(padded, 9, 1)


def _misfit(source: Tensor, moved: Tensor, weight: Tensor) -> float:
    rest = F.avg_pool2d(moved - source, 3, 1, 1)  # grain says nothing, and moving softens it
    return float((rest.abs().mean(1, keepdim=True) * weight).sum() / weight.sum())


def _axes(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Distances from the centre, in cells: (h, 1) down and (1, w) right."""
    down = torch.arange(height).float() - (height - 1) / 2
    right = torch.arange(width).float() - (width - 1) / 2
    return down[:, None], right[None, :]


def _moved_weight(weight: Tensor, placement: Tensor) -> Tensor:
    """The weight of points that the estimate shows too."""
    height, width = weight.shape[-2:]
    down, right = (axis.to(weight.device) for axis in _axes(height, width))
    y, x = placement[0] * down + placement[2], placement[1] * right + placement[3]
    seen = (y.abs() <= (height - 1) / 2) & (x.abs() <= (width - 1) / 2)
    return weight * seen


def _refine(source: Tensor, estimate: Tensor, weight: Tensor, placement: Tensor) -> Tensor:
    """A few Gauss-Newton steps at one size."""
    down, right = (axis.to(source.device) for axis in _axes(*source.shape[-2:]))
    ridge = torch.eye(4, device=source.device)
    for _ in range(_ITERATIONS):
        moved = move_back(estimate, placement[None])
        rest = moved - source
        size = rest.abs().mean(1, keepdim=True)
        used = _moved_weight(weight, placement)
        usual = (size * used).sum() / used.sum().clamp_min(1e-6) + 1e-12
        used = used * (usual / size.clamp_min(1e-12)).clamp_max(1)
        along_y, along_x = torch.gradient(moved, dim=(-2, -1))
        slopes = torch.stack([along_y * down, along_x * right, along_y, along_x])
        weighted = slopes * used
        normal = torch.einsum("ancyx,bncyx->ab", weighted, slopes)
        wanted = torch.einsum("ancyx,ncyx->a", weighted, rest)
        # Each unknown has its own scale: a zoom moves a point by its distance from the centre.
        scale = normal.diagonal().clamp_min(1e-12).rsqrt()
        step = scale * torch.linalg.solve(
            normal * scale[:, None] * scale + 1e-4 * ridge, wanted * scale
        )
        placement = placement - step.cpu()
        if (placement[:2] - 1).abs().max() > LARGEST_ZOOM:
            break
        if step[:2].abs().max() < 1e-5 and step[2:].abs().max() < 1e-3:
            break
    return placement


def move_back(estimates: Tensor, placements: Tensor, beyond: str = "border") -> Tensor:
    """The estimates laid on the source; what was never seen repeats the edge (or is "zeros").

    estimates (N, C, h, w); placements (N, 4).  Returns (N, C, h, w), bicubic; an estimate that
    lies on the source comes back as it is.
    """
    pairs = zip(estimates.float().split(1), placements, strict=True)
    return torch.cat([_laid(one, placement, beyond) for one, placement in pairs])


def _laid(estimate: Tensor, placement: Tensor, beyond: str) -> Tensor:
    if placement.tolist() == list(ON_SOURCE):
        return estimate
    flat = estimate.flatten(1, -3)
    height, width = flat.shape[-2:]
    down, right, y, x = placement.tolist()
    # The centres of the outer cells are (size - 1) / size of the way to the edge.
    theta = torch.tensor([[right, 0, 2 * x / width], [0, down, 2 * y / height]], device=flat.device)
    grid = F.affine_grid(theta[None], list(flat.shape), align_corners=False)
    moved = F.grid_sample(flat, grid, "bicubic", beyond, align_corners=False)
    return moved.reshape(estimate.shape)


def displacement(placements: Tensor, height: int, width: int) -> Tensor:
    """How far a point lies off its place on average, in cells: root mean square over the picture.

    placements (N, 4); height, width: of the picture, in cells.  Returns (N,), 0 on the source.
    """
    spread = torch.tensor([height, width]).to(placements).square() / 12  # of a coordinate
    zoom, shift = (placements[:, :2] - 1).square(), placements[:, 2:].square()
    return (zoom * spread + shift).sum(1).sqrt()


def in_view(height: int, width: int, placements: Tensor) -> tuple[int, int]:
    """Rows and columns to cut at each edge so that every estimate shows all that is left."""
    half = torch.tensor([height, width]).to(placements) / 2
    missing = ((1 - placements[:, :2].clamp_max(1)) * half + placements[:, 2:].abs()).amax(0)
    grown = ((placements[:, :2].clamp_min(1) - 1) * half + placements[:, 2:].abs()).amax(0)
    down, right = torch.maximum(missing, grown).ceil().int().tolist()
    return down, right


def off_source(source: Tensor, estimates: Tensor, relevance: Tensor) -> Tensor:
    """How far each estimate lies off the source, in cells (root mean square); lower is better.

    Arguments and result as in `score.background_inconsistency`; NaN where an estimate holds one.
    """
    placements = find_placements(source, estimates, 1 - relevance)
    off = displacement(placements, *source.shape[-2:]).to(source.device)
    sound = estimates.flatten(1).isfinite().all(1)
    return torch.where(sound, off, torch.nan)
