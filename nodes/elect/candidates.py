"""Candidates from what a sampling node is given: seeds, stop, checks, the run itself."""

import logging
import math
import re
from collections.abc import Sequence

import torch
from comfy_api.latest import io

from ...elect_core.schedule import step_count, step_of_sigma
from ..host.conditions import has_image
from ..host.elect.batching import refuse_sampler, refuse_unreplayable
from ..host.elect.run import Run, batch_size, record
from ..host.latents import single_latent
from ..host.preview import CandidateProgress
from ..menu import MAX_SEED
from .types import Candidates

MAX_CANDIDATES = 64


def parse_seeds(text: str) -> list[int]:
    """Seeds from a list separated by commas, spaces or lines; ValueError names the bad part."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    for word in words:
        if not word.isdecimal() or int(word) > MAX_SEED:
            raise ValueError(
                f"seeds: expected whole numbers from 0 to {MAX_SEED}, separated by commas, "
                f"got {word!r}."
            )
    seeds = [int(word) for word in words]
    doubled = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if doubled:
        raise ValueError(f"seeds: each seed may be listed once, got {doubled} more than once.")
    return seeds


def choose_seeds(first_seed: int, num_candidates: int, seeds: str) -> list[int]:
    """The explicit list where there is one, else `num_candidates` seeds from `first_seed` on."""
    listed = parse_seeds(seeds)
    if len(listed) > MAX_CANDIDATES:
        raise ValueError(f"seeds: expected at most {MAX_CANDIDATES} seeds, got {len(listed)}.")
    if listed:
        return listed
    if not 1 <= num_candidates <= MAX_CANDIDATES:
        raise ValueError(f"num_candidates: expected 1 to {MAX_CANDIDATES}, got {num_candidates}.")
    return [(first_seed + k) % (MAX_SEED + 1) for k in range(num_candidates)]


def stop_after(sigmas: torch.Tensor, stop: float, stop_sigma: float) -> int:
    """Steps to run, from a noise level where one is given, else from the fraction."""
    if stop_sigma > 0:
        return step_of_sigma(sigmas, stop_sigma)
    return step_count(stop, len(sigmas) - 1)


def make_run(
    guider,
    sampler,
    sigmas,
    latent_image,
    window: float,
    null,
    window_name: str = "relevance_window",
) -> Run:
    """Check what the candidates will share; each ValueError names the input to change."""
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError(f"sigmas: expected at least one step, got {max(0, len(sigmas) - 1)}.")
    refuse_sampler(sampler)
    refuse_unreplayable(guider.model_options)
    latent = single_latent(guider.model_patcher, latent_image)
    if not has_image(guider.original_conds, latent["samples"]):
        raise ValueError(
            "guider: neither its positive conditioning nor latent_image shows the model a source "
            "picture, so there is nothing to edit. Pass the conditioning through "
            "InstructPixToPixConditioning, ReferenceLatent or the like."
        )
    window_step = step_count(window, len(sigmas) - 1, window_name)
    return Run(guider, sampler, sigmas, latent, window_step, null)


def _check_ram(run: Run, num_candidates: int, stop_step: int, limit: float) -> None:
    least = num_candidates * stop_step * run.latent["samples"].numel() * 4
    if least > limit:
        raise ValueError(
            f"ram_limit_mb: {num_candidates} candidates of {stop_step} steps hold at least "
            f"{least / 2**20:.0f} MB, over the limit of {max(0, limit) / 2**20:.0f} MB. Raise the "
            "limit, lower num_candidates or stop."
        )


def run_candidates(
    run: Run,
    seeds: Sequence[int],
    stop_step: int,
    per_batch: int,
    ram_limit_mb: int = 0,
    held_bytes: int = 0,
) -> Candidates:
    """Every seed to the stop, with progress and previews over all of them.

    ram_limit_mb: of the tapes, 0 for none, of which `held_bytes` are taken already
    """
    limit = ram_limit_mb * 2**20 - held_bytes if ram_limit_mb else math.inf
    _check_ram(run, len(seeds), stop_step, limit)
    progress = CandidateProgress(run.model, seeds, stop_step)
    size = batch_size(run, per_batch, len(seeds))
    tape, cost = record(run, seeds, stop_step, size, progress, limit)
    found = Candidates(run, tuple(seeds), tape, stop_step, cost)
    logging.info("ELECT: %s", describe(found))
    return found


def describe(found: Candidates) -> str:
    """One line for the log and the node: what was run and what it holds."""
    return (
        f"{len(found.seeds)} candidates stopped after {found.stop_step} of "
        f"{found.run.num_steps} steps at sigma {found.stop_sigma:.4g}; {found.cost.nfe} guider "
        f"calls ({found.cost.model_evaluations} model evaluations); tape "
        f"{found.tape.nbytes / 2**20:.1f} MB of RAM"
    )


def sampling_inputs() -> list[io.Input]:
    """The inputs that say what is run; shared with ELECTSampler."""
    return [
        io.Guider.Input("guider", tooltip="Model, conditionings and cfg, as for any sampler."),
        io.Sampler.Input(
            "sampler",
            tooltip="Any sampler that keeps to sigmas; dpm_fast, dpm_adaptive and "
            "SamplerLCMUpscale are refused.",
        ),
        io.Sigmas.Input("sigmas", tooltip="The whole schedule, also of the steps after the stop."),
        io.Latent.Input("latent_image", tooltip="Latent of one picture, as for any sampler."),
        io.Int.Input(
            "first_seed",
            default=0,
            min=0,
            max=MAX_SEED,
            control_after_generate=True,
            tooltip="Seed of the first candidate; the others follow by ones. Keep it fixed to "
            "change later nodes without running the candidates again.",
        ),
        io.Int.Input(
            "num_candidates",
            default=8,
            min=1,
            max=MAX_CANDIDATES,
            tooltip="Candidate seeds, 1 to 64. 1 is an ordinary run.",
        ),
        io.Float.Input(
            "stop",
            default=0.4,
            min=0.01,
            max=1.0,
            step=0.01,
            tooltip="Fraction of the steps each candidate is run, above 0 to 1. "
            "1 finishes them all (Best-of-N).",
        ),
        io.Float.Input(
            "relevance_window",
            default=0.2,
            min=0.01,
            max=1.0,
            step=0.01,
            tooltip="Fraction of the steps, from the first, in which a null conditioning (if "
            "connected) gets its extra model pass.",
        ),
        io.Int.Input(
            "candidates_per_batch",
            default=0,
            min=0,
            max=MAX_CANDIDATES,
            tooltip="Candidates run side by side; 0 sizes the batch by free memory. 1 makes each "
            "bit-equal to its seed alone.",
        ),
        io.String.Input(
            "seeds",
            default="",
            optional=True,
            tooltip="Explicit seeds, separated by commas. Where given, first_seed and "
            "num_candidates are not used.",
        ),
        io.Float.Input(
            "stop_sigma",
            default=0.0,
            min=0.0,
            max=10000.0,
            step=0.01,
            round=False,
            optional=True,
            tooltip="Stop at this noise level in place of a fraction; 0 uses stop.",
        ),
        io.Int.Input(
            "ram_limit_mb",
            default=0,
            min=0,
            max=1 << 20,
            optional=True,
            tooltip="Refuse to hold more than this many MB of recorded candidates; 0 is no limit.",
        ),
        io.Conditioning.Input(
            "null",
            optional=True,
            tooltip="Conditioning of an empty text, for models that run without a negative (cfg "
            "1): it gives the relevance map its signal. Wins over the guider's own negative.",
        ),
    ]
