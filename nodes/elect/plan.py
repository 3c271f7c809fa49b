"""What will be run, settled before any candidate is: the second stop of a run."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..host.elect.batching import Batches, batches
from ..host.elect.run import Run
from .relevance import cut_window
from .sampling import MAX_CANDIDATES, Sampling
from .types import Candidates


@dataclass(frozen=True)
class Plan:
    """Candidates that are still to be run to the stop, and how.

    ram_limit: bytes that their tapes may hold, infinite for no limit
    """

    run: Run
    seeds: tuple[int, ...]
    stop_step: int
    batches: Batches
    ram_limit: float = math.inf


def plan(
    run: Run,
    seeds: Sequence[int],
    stop_step: int,
    per_batch: int = 0,
    ram_limit_mb: int = 0,
    previous: Candidates | None = None,
) -> Plan:
    """The run of every seed that is not among `previous`, or a ValueError.

    per_batch: candidates side by side, 0 for what fits; ram_limit_mb: of all tapes, 0 for none
    """
    new = list(seeds) if previous is None else _missing(previous, run, seeds, stop_step)
    held = previous.tape.nbytes if previous is not None else 0
    limit = ram_limit_mb * 2**20 - held if ram_limit_mb else math.inf
    cut = cut_window(run.window_step, stop_step)
    if cut is not None and new:
        logging.warning("ELECT: %s", cut)
    check_ram(run, len(new), stop_step, limit)
    return Plan(run, tuple(new), stop_step, batches(run, per_batch, len(new)), limit)


def plan_sampling(run: Run, sampling: Sampling, previous: Candidates | None = None) -> Plan:
    """The plan that a sampler node's inputs ask for."""
    limits = (sampling.candidates_per_batch, sampling.ram_limit_mb, previous)
    return plan(run, sampling.chosen_seeds(), sampling.stop_step(), *limits)


def check_ram(run: Run, num_candidates: int, stop_step: int, limit: float) -> None:
    """Raise ValueError where the tapes of so many candidates must outgrow the limit, in bytes."""
    least = num_candidates * stop_step * run.latent["samples"].numel() * 4
    if least > limit:
        raise ValueError(
            f"ram_limit_mb: {num_candidates} candidates of {stop_step} steps hold at least "
            f"{least / 2**20:.0f} MB, over the limit of {max(0, limit) / 2**20:.0f} MB. Raise the "
            "limit, lower num_candidates or stop."
        )


def _missing(previous: Candidates, run: Run, seeds: Sequence[int], stop_step: int) -> list[int]:
    """The seeds still to be run beside `previous`, or a ValueError."""
    if not same_run(run, previous.run) or stop_step != previous.stop_step:
        raise ValueError(
            "previous: its candidates ran with another guider, sampler, sigmas, latent_image, "
            "noise, null, text_jitter, relevance_window or stop. Connect and set the same in both "
            "samplers."
        )
    new = [seed for seed in seeds if seed not in previous.seeds]
    if len(new) + len(previous.seeds) > MAX_CANDIDATES:
        raise ValueError(
            f"num_candidates: with the {len(previous.seeds)} of previous there would be "
            f"{len(new) + len(previous.seeds)}, more than {MAX_CANDIDATES}."
        )
    return new


def _same_sampler(sampler, other) -> bool:
    names = ("sampler_function", "extra_options", "inpaint_options")
    return sampler is other or all(
        hasattr(sampler, name) and getattr(sampler, name) == getattr(other, name, None)
        for name in names
    )


def _same_tensor(tensor: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if tensor is None or other is None:
        return tensor is other
    return tensor.shape == other.shape and torch.equal(tensor, other)


def _same_noise(run: Run, other: Run) -> bool:
    if run.template is None:
        return run.noise is other.noise
    return run.template is other.template


def same_run(run: Run, other: Run) -> bool:
    """Whether candidates of two runs may stand side by side."""
    return (
        run.guider is other.guider
        and run.null is other.null
        and _same_noise(run, other)
        and run.numbers == other.numbers
        and _same_sampler(run.sampler, other.sampler)
        and torch.equal(run.sigmas, other.sigmas)
        and _same_tensor(run.latent["samples"], other.latent["samples"])
        and _same_tensor(run.latent.get("noise_mask"), other.latent.get("noise_mask"))
        and run.latent.get("batch_index") == other.latent.get("batch_index")
    )
