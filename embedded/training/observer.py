"""Trains the network that no loss uses: to know its pictures again, without words or names.

SimCLR: two views of every picture, cropped, mirrored, lightened and noisy; each view must find its
other half among all. Colours stay as they are, since edits change them; source and target of an
edit are in one batch and are different pictures.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import Linear
from torch.nn import functional as F

from ..data.pixels import to_floats
from ..data.teacher_pictures import load_pictures, render_pairs
from ..model.observers import OBSERVER_SIZE, OBSERVER_WIDTHS, Features, Observer
from .run import Budget, Run

BATCH_PAIRS, LR, TEMPERATURE, NUM_VAL_PAIRS = 32, 1e-3, 0.1, 150
_SMALLEST_CROP, _LIGHT, _NOISE = 0.7, 0.08, 0.06


def view(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """A random view (N, 3, s, s) of pictures (N, 3, H, W) in [0, 1]."""
    n = len(pictures)
    uniform = torch.rand(n, 5, generator=generator)
    scale = _SMALLEST_CROP + (1 - _SMALLEST_CROP) * uniform[:, 0]
    mirror = torch.where(uniform[:, 1] < 0.5, -1.0, 1.0)
    shift = (2 * uniform[:, 2:4] - 1) * (1 - scale)[:, None]
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = scale * mirror, scale, shift
    grid = F.affine_grid(theta, [n, 3, OBSERVER_SIZE, OBSERVER_SIZE], align_corners=False)
    halved = F.avg_pool2d(pictures, 2)  # so that sampling at half the size does not alias
    crop = F.grid_sample(halved, grid, align_corners=False, padding_mode="reflection")
    lighter = _LIGHT * (2 * uniform[:, 4] - 1).view(n, 1, 1, 1)
    return (crop + lighter + _NOISE * torch.randn(crop.shape, generator=generator)).clamp(0, 1)


def contrast(first: Tensor, second: Tensor) -> Tensor:
    """NT-Xent of two views' projections (N, D) each: the other half among 2 N - 1."""
    both = F.normalize(torch.cat([first, second]), dim=-1)
    logits = both @ both.T / TEMPERATURE
    logits.fill_diagonal_(-torch.inf)
    n = len(first)
    return F.cross_entropy(logits, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


@torch.no_grad()
def known_again(observer: Features, pictures: Tensor) -> float:
    """Share of views whose nearest other view, by cosine, is of the same picture (N, 3, H, W)."""
    generator = torch.Generator().manual_seed(0)
    first, second = (F.normalize(observer(view(pictures, generator)), dim=-1) for _ in range(2))
    return ((first @ second.T).argmax(1) == torch.arange(len(first))).float().mean().item()


def train_observer(folder: Path, pictures_folder: Path, budget: Budget) -> Run:
    """Runs or resumes the training in the folder."""
    torch.manual_seed(1)
    observer = Observer()
    width = 2 * OBSERVER_WIDTHS[-1]
    head = nn.Sequential(Linear(width, width), nn.ReLU(), Linear(width, 64))
    modules = nn.ModuleDict({"observer": observer, "head": head})
    run = Run(folder, modules, lr=LR, budget=budget, ema=0.995, seed=1)
    if run.progress >= 1:
        return run
    pairs = load_pictures(pictures_folder).pairs().pictures
    held_out = to_floats(render_pairs("val", 0, NUM_VAL_PAIRS).flat().pictures)

    def loss_of(generator: torch.Generator):
        chosen = torch.randint(len(pairs), (BATCH_PAIRS,), generator=generator)
        batch = to_floats(pairs[chosen].flatten(0, 1))
        views = [head(observer(view(batch, generator))) for _ in range(2)]
        return contrast(*views), {}

    def report(run: Run) -> None:
        if run.step % 200 == 0:
            share = known_again(averaged_observer(run), held_out)
            print(f"observer step {run.step} {run.seconds:.0f} s: known {share:.3f}", flush=True)

    run.loop(loss_of, 100, report)
    return run


def averaged_observer(run: Run) -> Observer:
    """A copy with the averaged weights; the head stays behind."""
    observer = Observer()
    prefix = "observer."
    state = {k.removeprefix(prefix): v for k, v in run.average.items() if k.startswith(prefix)}
    observer.load_state_dict(state)
    return observer.eval().requires_grad_(False)
