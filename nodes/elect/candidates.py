"""Candidates run as planned, and kept: the last stops of a run."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

from ...elect_core.tape import Tape
from ..host.elect.batching import why_one_by_one
from ..host.elect.run import OnStep, advance, record, why_from_start
from ..host.preview import CandidateProgress
from .plan import Plan
from .relevance import cut_window
from .types import Candidates


def run_candidates(plan: Plan) -> Candidates:
    """Every planned seed to the stop, with progress and previews over all of them."""
    progress = CandidateProgress(plan.run.model, plan.seeds, plan.stop_step)
    tape, cost = record(
        plan.run, plan.seeds, plan.stop_step, plan.batches.size, progress, plan.ram_limit
    )
    found = Candidates(plan.run, plan.seeds, tape, plan.stop_step, cost)
    logging.info("ELECT: %s", describe(found))
    return found


def advanced(
    candidates: Candidates,
    stop_step: int,
    size: int,
    limit: float = math.inf,
    progress: OnStep | None = None,
) -> Candidates:
    """The candidates taken on to a later stop, `size` at a time; themselves if they are there.

    limit: bytes that their tapes may hold; progress: one of its own where left out
    """
    if stop_step == candidates.stop_step:
        return candidates
    run, seeds = candidates.run, candidates.seeds
    progress = progress or CandidateProgress(run.model, seeds, stop_step)
    tape, cost = advance(run, seeds, candidates.tape, stop_step, size, progress, limit)
    spent_so_far = candidates.cost + cost
    found = replace(candidates, tape=tape, stop_step=stop_step, cost=spent_so_far, scores=None)
    logging.info("ELECT: %s", spent(found))
    return found


def joined(previous: Candidates, found: Candidates) -> Candidates:
    """Candidates of one run and more of the same run, in that order."""
    tape = Tape.concatenate([previous.tape, found.tape])
    seeds, cost = previous.seeds + found.seeds, previous.cost + found.cost
    return Candidates(found.run, seeds, tape, found.stop_step, cost)


def describe(found: Candidates) -> str:
    """For the log and the node: what was run, what it holds, what to know of it."""
    return "\n".join([spent(found), *notes(found)])


def spent(found: Candidates) -> str:
    """What was run and what it holds, in one line."""
    return (
        f"{len(found.seeds)} candidates stopped after {found.stop_step} of "
        f"{found.run.num_steps} steps at sigma {found.stop_sigma:.4g}; {found.cost.nfe} guider "
        f"calls ({found.cost.model_evaluations} model evaluations); tape "
        f"{found.tape.nbytes / 2**20:.1f} MB of RAM"
    )


def notes(found: Candidates) -> list[str]:
    """What a user should know of how this run is run, and why, in sentences."""
    run = found.run
    masked = run.latent.get("noise_mask") is not None
    one_by_one, anew = why_one_by_one(run.guider, run.sampler, masked), why_from_start(run)
    said = [] if one_by_one is None else [f"Candidates run one by one, since {one_by_one}."]
    if anew is not None:
        said.append(f"The elected one is finished from its start, not from the stop, since {anew}.")
    if run.text_jitter:
        said.append(
            f"Each candidate's text was moved by its seed (text_jitter {run.text_jitter:g}), so a "
            "seed alone gives another picture in an ordinary sampler."
        )
    cut = cut_window(run.window_step, found.stop_step)
    return said if cut is None else [*said, cut]
