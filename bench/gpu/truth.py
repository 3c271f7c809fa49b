"""Seeds and resuming with every sampler of this ComfyUI, here and beside the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import comfy.samplers
import torch
from torch import Tensor

from ...nodes.host.elect.finish import resume
from ...nodes.host.elect.run import record
from .elections import Rows, apart
from .scenes import STOP, Scene, Size, random_model

REFUSED = {"dpm_fast", "dpm_adaptive"}
CLOSE = 1e-3
"""A share of the spread: float32 rounding, multiplied by 20 steps at guidance 3."""


@torch.inference_mode()
def stock(scene: Scene, sampler: str, seed: int) -> Tensor:
    """What SamplerCustomAdvanced gives for one seed, (1, C, h, w)."""
    run = scene.run(sampler)
    noise, latent = run.initial_noise([seed]), scene.latent["samples"]
    return run.guider.sample(noise, latent, run.sampler, run.sigmas, disable_pbar=True, seed=seed)


@torch.inference_mode()
def resumed(scene: Scene, sampler: str, seeds: Sequence[int], batch: int) -> Tensor:
    """The seeds stopped and taken to the end, (N, C, h, w)."""
    run = scene.run(sampler)
    tape, _ = record(run, seeds, STOP, batch, lambda *_: None)
    return resume(run, seeds, tape, lambda *_: None, batch)[0]


def samplers() -> list[str]:
    """Those that can be stopped."""
    return [one for one in comfy.samplers.SAMPLER_NAMES if one not in REFUSED]


def told(names: list[str]) -> str:
    """How many, and which."""
    return f"{len(names)}: {', '.join(names)}" if names else "none"


def truth(size: Size, names: Sequence[str] = ()) -> Rows:
    """Of every sampler: resuming bit for bit, a batch beside its seeds alone, and the CPU.

    names: of samplers, none for all; CFG++ runs where it is made for, at 1
    """
    scene, beside = Scene(size), Scene(size, random_model(size, cpu=True))
    broken, mixed, other = [], [], []
    chosen = list(names) or samplers()
    for name in chosen:
        for one in (scene, beside):
            one.guider.set_cfg(*((1.0, 1.0) if name.endswith("cfg_pp") else (3.0, 1.5)))
        alone = [stock(scene, name, seed) for seed in (0, 1)]
        if not torch.equal(resumed(scene, name, [1], 1), alone[1]):
            broken.append(name)
        if apart(resumed(scene, name, [0, 1], 2), torch.cat(alone)) > CLOSE:
            mixed.append(name)
        if apart(alone[0].cpu(), stock(beside, name, 0)) > CLOSE:
            other.append(name)
    yield "samplers tried", str(len(chosen))
    yield "stopped and resumed not bit for bit", told(broken)
    yield "a batch beside its seeds alone, apart", told(mixed)
    yield "another picture than on the CPU", told(other)
