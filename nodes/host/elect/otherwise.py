"""Candidates finished otherwise than begun: other steps, another sampler, from the stop."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace

import comfy.samplers
import torch
from torch import Tensor

from ....elect_core.schedule import Cost
from ....elect_core.tape import Tape
from .noise import GivenNoise
from .run import Change, OnStep, Run, sample, why_from_start
from .taped import RelevanceProbe

_OTHER_SEED = 1 << 32
"""Added to a seed for the noise of the steps after the stop: with the seed itself, some samplers
would add the very noise that the candidate began from."""


def rest_of(sigmas: Tensor, stop_sigma: float) -> Tensor:
    """The part of a schedule below the stop, from exactly there.

    sigmas (K + 1,): decreasing.  Raises ValueError where nothing of it lies below.
    """
    below = sigmas[sigmas < stop_sigma * (1 - 1e-4)]
    if not len(below):
        raise ValueError(
            f"sigmas: nothing of it lies below the candidates' stop at sigma {stop_sigma:.4g}, so "
            "there is no step to finish with. Give a schedule that goes on below."
        )
    return torch.cat([below.new_tensor([stop_sigma]), below])


def begun_at(sampler: comfy.samplers.Sampler, x: Tensor) -> comfy.samplers.Sampler:
    """The SAMPLER going on from a latent x in its own scale, whatever it is given to begin with."""
    if type(sampler) is not comfy.samplers.KSAMPLER:
        raise ValueError(
            f"sampler: {type(sampler).__name__} cannot be begun in the middle. Choose one of "
            "ComfyUI's own samplers (KSamplerSelect), or leave sampler out."
        )
    function = sampler.sampler_function

    def begun(model, noise, sigmas, *args, **kwargs):
        return function(model, x.to(noise), sigmas, *args, **kwargs)

    return comfy.samplers.KSAMPLER(begun, sampler.extra_options, sampler.inpaint_options)


def finish_otherwise(
    run: Run,
    seeds: Sequence[int],
    tape: Tape,
    on_step: OnStep,
    sampler: comfy.samplers.Sampler | None,
    sigmas: Tensor | None,
    change: Change | None = None,
) -> tuple[Tensor, Tensor, Cost]:
    """Finish candidates one by one with another sampler or other steps than they were begun with.

    sampler, sigmas: in the place of the run's own after the stop, None for those; see `rest_of`
    Returns the samples and the denoised output, both (N, C, h, w) in LATENT scale, and the cost.
    """
    stop = len(tape.steps)
    if stop >= run.num_steps:
        raise ValueError(
            "candidates: they have run all their steps, so there is nothing to finish otherwise. "
            "Lower the stop where they are sampled."
        )
    rest = run.sigmas[stop:]
    if sigmas is not None:
        rest = rest_of(sigmas.to(run.sigmas), float(run.sigmas[stop]))
    anew = why_from_start(run) is not None
    probe, done = RelevanceProbe(0), []
    for row, seed in enumerate(seeds):
        begun = Tape() if anew else tape.rows([row])
        reached = sample(run, [seed], begun, stop, probe, on_step).stopped_at
        assert reached is not None
        other = (seed + _OTHER_SEED) % 2**64
        guider = copy.copy(run.guider)
        guider.original_conds = run.conds([seed])
        going = replace(
            run,
            guider=guider,
            text_jitter=0.0,
            sampler=begun_at(sampler or run.sampler, reached),
            sigmas=rest,
            noise=GivenNoise({other: run.initial_noise([seed])}),  # inpainting reads it
        )

        def shown(_, step: int, x0: Tensor, seed: int = seed) -> None:
            on_step([seed], stop + math.floor(step * (run.num_steps - stop) / len(rest)), x0)

        done.append(sample(going, [other], Tape(), None, probe, shown, change))
    samples = torch.cat([one.samples for one in done])
    return samples, torch.cat([one.denoised for one in done]), probe.cost
