"""Time and memory of the optimisation as ratios of one run, through the nodes' own host code."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import comfy.clip_vision
import psutil
import torch

from ...embedded.observers import CLIP_CONFIG, shipped
from ...nodes.host.optimising import Edit, run
from ...nodes.latent_models import FeatureModel, pixel_features
from ...tino_core.optimise import Settings
from ..system import _PeakMemory
from .methods import Batch, Inputs, as_edit, read_batch
from .models import TinoBench
from .tasks import tasks

_FILE = "tino_cost.json"
_STEPS = (2, 5, 10)
_REPEATS = 3


def forward_seconds(edit: Edit, settings: Settings) -> float:
    """One pass of K steps without gradients."""
    begin: list[float] = []

    def build(source):
        begin.append(time.perf_counter())
        return lambda x0: x0.new_zeros(len(x0))

    def ended(*_):
        begin.append(time.perf_counter())

    run(replace(edit, build_loss=build), replace(settings, iterations=0), ended)
    return begin[1] - begin[0]


def iteration_seconds(edit: Edit, settings: Settings) -> float:
    """Median time from one result to the next: backward, update, forward."""
    times: list[float] = []
    run(edit, settings, lambda *_: times.append(time.perf_counter()))
    gaps = [after - before for before, after in zip(times[:-2], times[1:-1], strict=True)]
    return statistics.median(gaps)


def pixel_clip(bench: TinoBench) -> FeatureModel:
    """The teacher of the LatentCLIP behind the VAE, as the node PixelCLIP makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(CLIP_CONFIG | {"model_type": "clip_vision_model"}))
        vision = comfy.clip_vision.ClipVisionModel(str(path))
    vision.load_sd(shipped("teacher_clip.safetensors"))
    form = bench.model.model.latent_format
    extract = partial(pixel_features, bench.vae, vision, form.process_out)
    patchers = (bench.vae.patcher, vision.patcher)
    return FeatureModel("pixel CLIP", type(form).__name__, patchers, extract)


def with_pixel_clip(bench: TinoBench, inputs: Inputs, edit: Edit) -> Edit:
    """The edit with its semantic loss in pixels."""
    loss = bench.loss(inputs.tasks, pixel_clip(bench))
    patchers = [patcher for one in loss.feature_models() for patcher in one.patchers]
    return replace(edit, build_loss=loss, feature_models=patchers)


def peak_megabytes(edit: Edit, settings: Settings) -> float:
    """Peak resident memory above the start."""
    before = psutil.Process().memory_info().rss
    with _PeakMemory() as peak:
        run(edit, settings, lambda *_: None)
    return (peak.peak - before) / 2**20


def large(inputs: Inputs, cells: int = 64) -> Inputs:
    """The inputs on latents of cells x cells, where the memory of the model shows."""

    def grown(latent):
        return torch.nn.functional.interpolate(latent, size=(cells, cells))

    source, mask, noise = map(grown, (inputs.source, inputs.mask, inputs.noise))
    return replace(inputs, source=source, mask=mask, noise=noise, start=None)


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(_REPEATS))


def measure_cost(bench: TinoBench, settings: Settings, root: Path) -> Path:
    """Measure, and keep the ratios in one file."""
    with torch.inference_mode():
        batch = Batch("recolour", range(1))
        inputs = read_batch(bench, batch, tasks(batch.kind, batch.indices))
        few = replace(settings, iterations=3)
        edit = as_edit(bench, inputs, few)
        pixel = with_pixel_clip(bench, inputs, edit)
        iteration_seconds(edit, few)  # warm
        forward = _median(lambda: forward_seconds(edit, few))
        latent = _median(lambda: iteration_seconds(edit, few))
        pixels = _median(lambda: iteration_seconds(pixel, few))
        big = as_edit(bench, large(inputs), few)
        by_steps = [replace(few, num_steps=k, iterations=1) for k in (*_STEPS[:1], *_STEPS)]
        memory = [peak_megabytes(big, one) for one in by_steps][1:]
    found = {
        "steps": settings.num_steps,
        "iteration": latent / forward,
        "pixels": pixels / latent,
        "memory": dict(zip(map(str, _STEPS), memory, strict=True)),
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
    rows = "\n".join(f"| {k} | {peak:.0f} |" for k, peak in found["memory"].items())
    return f"""## Cost

Made by `python3 dev.py bench tino cost`, on the CPU, one picture; ratios are of one run on one
machine.

- An iteration takes {found["iteration"]:.2f} times as long as one pass of K = {found["steps"]}
  steps without gradients (bound by checkpointing: 4).
- With the semantic loss in pixels (VAE decoder, then the CLIP that LatentCLIP was distilled from)
  an iteration takes {found["pixels"]:.2f} times as long as with LatentCLIP. The embedded UNet and
  VAE are tiny, so this ratio is theirs.

Peak memory above the start, 512x512-pixel latent:

| K | MB |
|---|---|
{rows}
"""
