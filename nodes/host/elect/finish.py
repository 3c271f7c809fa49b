"""Candidates finished as they were begun, from exactly where they stopped."""

import itertools
import logging
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ....elect_core.schedule import Cost
from ....elect_core.tape import Tape
from .run import Change, OnStep, Run, advance, sample, why_from_start
from .taped import RelevanceProbe


def resume(
    run: Run,
    seeds: Sequence[int],
    tape: Tape,
    on_step: OnStep,
    size: int = 1,
    change: Change | None = None,
) -> tuple[Tensor, Tensor, Cost]:
    """Finish candidates exactly where they stopped, `size` at a time.

    Where something on the model may remember earlier calls, the tape cannot stand for them: an
    unfinished candidate is then run from its start, which costs its first calls once more.
    change: made to the answers after the stop; candidates then go one by one

    Returns the samples and the denoised output, both (N, C, h, w) in LATENT scale, and the cost.
    The tape itself is not changed.
    """
    probe, unfinished = RelevanceProbe(0), len(tape.steps) < run.num_steps
    if unfinished and min(size, len(seeds)) > 1 and change is None:
        # The calls in batches, then each from its tape.
        whole = replace(run, window_step=0)
        tape, probe.cost = advance(whole, seeds, tape, run.num_steps, size, on_step)
        unfinished = False
    anew = why_from_start(run) if unfinished and tape.steps else None
    if anew is not None:
        logging.info("ELECT: finished from the start and not from the stop, since %s.", anew)
    finished = []
    for row, seed in enumerate(seeds):
        begun = Tape() if anew else tape.rows([row])
        own = _after(len(tape.calls), change) if anew and change else change
        finished.append(sample(run, [seed], begun, None, probe, on_step, own))
    samples = torch.cat([one.samples for one in finished])
    return samples, torch.cat([one.denoised for one in finished]), probe.cost


def _after(calls: int, change: Change) -> Change:
    """The change, but for the first calls of one candidate."""
    call = itertools.count()
    return lambda denoised: change(denoised) if next(call) >= calls else denoised
