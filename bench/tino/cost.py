"""Time and memory of the optimisation as ratios of one run, through the nodes' own host code."""

import json
import statistics
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import comfy.clip_vision
import psutil
import torch

from ...embedded.model.observers import CLIP_CONFIG
from ...embedded.model.shipped import shipped
from ...nodes.host.tino.edit import BareLoss, Edit
from ...nodes.host.tino.optimising import Watch, run
from ...nodes.tino.latent_models import FeatureModel, pixel_features
from ...tino_core.settings import Settings
from ..clock import now
from ..system import _PeakMemory
from .methods import Batch, Inputs, as_edit, read_batch
from .models import TinoBench

_FILE = "tino_cost.json"
_STEPS = (2, 5, 10)


def _bare_loss(source):
    """A loss that costs nothing."""
    return lambda x0: (x0 - source).square().mean((1, 2, 3))


def forward_seconds(edit: Edit, settings: Settings, passes: int = 5) -> float:
    """Median time of one pass of K steps without gradients."""
    moments: list[float] = []

    def mark(*_):
        moments.append(now())

    def build(source):
        mark()
        return lambda x0: x0.new_zeros(len(x0))

    for _ in range(passes):
        run(replace(edit, loss=BareLoss(build)), replace(settings, iterations=0), Watch(mark))
    return statistics.median(b - a for a, b in zip(moments[::2], moments[1::2], strict=True))


def iteration_seconds(edit: Edit, settings: Settings) -> float:
    """Median time from one result to the next: backward, update, forward."""
    times: list[float] = []
    run(edit, settings, Watch(lambda *_: times.append(now())))
    gaps = [after - before for before, after in zip(times[:-2], times[1:-1], strict=True)]
    return statistics.median(gaps)


def iteration_ratios(edit: Edit, settings: Settings) -> list[float]:
    """An iteration over one pass: with steps computed again on the way back, and without."""
    forward = forward_seconds(edit, settings)
    both = (replace(settings, recompute=recompute) for recompute in (True, False))
    return [iteration_seconds(edit, one) / forward for one in both]


def pixel_clip(bench: TinoBench) -> FeatureModel:
    """The teacher of the LatentCLIP behind the VAE, as the node PixelCLIP makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(CLIP_CONFIG | {"model_type": "clip_vision_model"}))
        vision = comfy.clip_vision.ClipVisionModel(str(path))
    vision.load_sd(shipped("teacher_clip.safetensors"))
    form = bench.model.model.latent_format
    extract = partial(pixel_features, bench.vae, vision, form)
    patchers = (bench.vae.patcher, vision.patcher)
    return FeatureModel("pixel CLIP", type(form).__name__, patchers, extract)


def with_pixel_clip(bench: TinoBench, inputs: Inputs, edit: Edit) -> Edit:
    """The edit with its semantic loss in pixels."""
    return replace(edit, loss=bench.loss(inputs.tasks, pixel_clip(bench)))


def peak_megabytes(edit: Edit, settings: Settings) -> dict[str, list[float]]:
    """Highest resident memory above that before the first run, for each of `_STEPS`.

    Once with every step computed again on the way back, as the node does, once with all kept.
    """
    settings = replace(settings, iterations=1)
    before = psutil.Process().memory_info().rss
    run(edit, replace(settings, num_steps=_STEPS[0]), Watch())  # so that all is loaded
    found = {}
    for name, recompute in (("recomputed", True), ("kept", False)):
        found[name] = []
        for steps in _STEPS:
            with _PeakMemory() as peak:
                one = replace(settings, num_steps=steps, recompute=recompute)
                run(edit, one, Watch())
            found[name].append((peak.peak - before) / 2**20)
    return found


def large(inputs: Inputs, cells: int = 64) -> Inputs:
    """The inputs on latents of cells x cells, where the memory of the model shows."""

    def grown(latent):
        return torch.nn.functional.interpolate(latent, size=(cells, cells))

    source, mask, noise = map(grown, (inputs.source, inputs.mask, inputs.noise))
    return replace(inputs, source=source, mask=mask, noise=noise, start=None)


def median_ratios(edit: Edit, settings: Settings, repeats: int = 3) -> list[float]:
    """Medians of `iteration_ratios`."""
    every = [iteration_ratios(edit, settings) for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*every, strict=True)]


def measure_cost(bench: TinoBench, settings: Settings, root: Path) -> Path:
    """Measure, and keep the ratios in one file."""
    settings, batch = replace(settings, iterations=6), Batch("recolour", range(1))
    with torch.inference_mode():
        inputs = read_batch(bench, batch, batch.tasks)
        edit = as_edit(bench, inputs, settings)
        pixel = with_pixel_clip(bench, inputs, edit)
        bare = replace(edit, loss=BareLoss(_bare_loss))
        grown = large(inputs)
        big = replace(bare, latent={"samples": grown.source}, mask=grown.mask, noise=grown.noise)
        pixels = [
            iteration_seconds(pixel, settings) / iteration_seconds(edit, settings) for _ in range(3)
        ]
        found = {
            "steps": settings.num_steps,
            "pixels": statistics.median(pixels),
            "memory": peak_megabytes(big, settings),  # before longer runs leave theirs behind
            "iteration": {
                "128": median_ratios(bare, settings),
                "512": median_ratios(big, settings),
            },
        }
    root.mkdir(parents=True, exist_ok=True)
    path = root / _FILE
    path.write_text(json.dumps(found, indent=2))
    return path


def read_cost(root: Path) -> str:
    """The section of the report, or nothing where it was not measured."""
    path = root / _FILE
    if not path.exists():
        return ""
    found = json.loads(path.read_text())
    times = "\n".join(
        f"| {side}x{side} | {again:.2f} | {kept:.2f} |"
        for side, (again, kept) in found["iteration"].items()
    )
    columns = zip(_STEPS, found["memory"]["recomputed"], found["memory"]["kept"], strict=True)
    rows = "\n".join(f"| {steps} | {peak:.0f} | {kept:.0f} |" for steps, peak, kept in columns)
    return f"""## Cost

Made by `python3 dev.py bench tino cost`, on the CPU, one picture; ratios are of one run on one
machine.

- With the semantic loss in pixels (VAE decoder, then the CLIP that LatentCLIP was distilled from)
  an iteration takes {found["pixels"]:.2f} times as long as with LatentCLIP. The embedded models
  are tiny, so this ratio is theirs.
- Seconds of one iteration over one pass of K = {found["steps"]} steps without gradients, losses
  left out. Computing the steps again on the way back costs one pass; 4 in all would mean that the
  way back itself costs two.

| pixels | steps computed again, as in the node | all activations kept |
|---|---|---|
{times}

Peak memory above the start in MB, 512x512-pixel latent:

| K | steps computed again, as in the node | all activations kept |
|---|---|---|
{rows}
"""
