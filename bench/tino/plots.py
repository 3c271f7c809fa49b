"""Curves over the iterations (as the paper's figures 9 and 10) and a grid of samples."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import torch

from .results import Results
from .tasks import task
from .variants import ABLATIONS

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


def _save(figure, path: Path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, **options)
    plt.close(figure)


def _over_kinds(results: Results, name: str, what: str) -> np.ndarray:
    """Mean over the edits of all kinds, (W + 1, ...)."""
    parts = [results.curve(name, kind, what) for kind in results.plan.kinds]
    return np.concatenate(parts, axis=1).mean(1)


def _plot_timesteps(results: Results, absolute, change) -> None:
    """t_k with and without weight decay, and how far they moved without."""
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, results.plan.settings.num_steps))
    for axis in (absolute, change):
        axis.set_prop_cycle(color=colours)
    without, decayed = (_over_kinds(results, name, "trajectory") for name in ("tino", "decay"))
    absolute.plot(without)
    absolute.plot(decayed, ":")
    absolute.set(title="t_k (dotted: weight decay 0.01)")
    labels = [f"k = {k}" for k in range(1, len(colours) + 1)]
    change.plot(without - without[0], label=labels)
    change.set(title="change of t_k")
    change.legend(fontsize=7)


def _plot_noise(results: Results, extent, change) -> None:
    """Extent of N, and how far it moved."""
    noise = _over_kinds(results, "tino", "noise")
    extent.plot(noise[:, :3], label=["minimum", "maximum", "mean"])
    extent.set(title="N inside the mask")
    extent.legend(fontsize=7, loc="center right")
    change.plot(noise[:, 3])
    change.set(title="RMS change of N inside the mask")


def plot_curves(results: Results, path: Path) -> None:
    """t_k, N and loss over the iterations; means over edits."""
    figure, axes = plt.subplots(1, 5, figsize=(16, 3.2), layout="constrained")
    _plot_timesteps(results, axes[0], axes[1])
    _plot_noise(results, axes[2], axes[3])
    for kind in results.plan.kinds:
        axes[4].plot(results.curve("tino", kind, "losses").mean(1), label=kind)
    axes[4].legend(fontsize=7)
    axes[4].set(title="loss")
    for axis in axes:
        axis.set_xlabel("iteration")
    _save(figure, path)


def plot_over_iterations(results: Results, path: Path) -> None:
    """Success, background error and loss over W, with and without each part of the method."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    kinds, first = results.plan.kinds, results.plan.num_few
    for name, label in (("tino", "TiNO-Edit"), *((v.name, v.title) for v in ABLATIONS)):
        success = 100 * results.over_marks(name, kinds, "success", first).mean(1)
        axes[0].plot(results.marks, success, marker="o", label=label)
        mse = results.over_marks(name, kinds, "mse", first).mean(1)
        axes[1].plot(results.marks, mse, marker="o", label=label)
        losses = np.concatenate([results.curve(name, k, "losses")[:, :first] for k in kinds], 1)
        axes[2].plot(losses.mean(1), label=label)
    axes[0].set(title="success %", xlabel="W")
    axes[1].set(title="background MSE x1e4", xlabel="W", yscale="log")
    axes[2].set(title="loss", xlabel="W")
    axes[2].legend(fontsize=8)
    _save(figure, path)


_COLUMNS = ("source", "mask or picture", "BLD 0.75", "W = 0", "W = {W}", "truth (VAE)")


def _sample_row(results: Results, kind: str, index: int) -> list[np.ndarray]:
    """The pictures of `_COLUMNS`."""
    one = task(kind, index)
    stages = (("bld-0.75", 0), ("tino", 0), ("tino", len(results.marks) - 1))
    latents = [results.curve(name, kind, "latents")[stage, index] for name, stage in stages]
    latents.append(results.curve("truth", kind, "latents")[0, index])
    with torch.inference_mode():
        made = results.bench.decode(torch.from_numpy(np.stack(latents)))
    given = one.shown
    if given is None:
        given = one.edit.source * (0.35 + 0.65 * one.mask[..., None])
    return [one.edit.source, given, *made]


def plot_samples(results: Results, path: Path, number: int = 3) -> None:
    """The first few edits of each kind: nothing is picked."""
    number = min(number, results.plan.num_edits)
    cells = [(kind, index) for kind in results.plan.kinds for index in range(number)]
    figure, axes = plt.subplots(
        len(cells), len(_COLUMNS), figsize=(7.6, 1.32 * len(cells)), layout="constrained"
    )
    for row, (kind, index) in zip(axes, cells, strict=True):
        for axis, picture in zip(row, _sample_row(results, kind, index), strict=True):
            axis.imshow(np.clip(picture, 0, 1))
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(kind, fontsize=8)
    for axis, title in zip(axes[0], _titles(results.plan.settings.iterations), strict=True):
        axis.set_title(title, fontsize=8)
    _save(figure, path, pil_kwargs={"quality": 88})


def _titles(iterations: int) -> Sequence[str]:
    return [title.format(W=iterations) for title in _COLUMNS]
