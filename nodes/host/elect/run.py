"""Candidates through a GUIDER and a SAMPLER: recorded to a stop, or resumed to the end."""

import copy
import itertools
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.patcher_extension
import comfy.samplers
import comfy.utils
from torch import Tensor

from ....elect_core.schedule import Cost
from ....elect_core.tape import Tape
from ..conditions import with_null
from ..device_memory import clear_failed_call, out_of_memory, told_alike
from .attached import may_remember
from .noise import NoiseRule, initial_noise
from .packing import chunk_sizes, is_compiled
from .taped import RelevanceProbe, TapedSampler
from .texts import with_jitter

OnStep = Callable[[Sequence[int], int, Tensor], None]
"""Called after each step with the seeds of the batch, the step and denoised (N, C, h, w)."""

Change = Callable[[Tensor], Tensor]
"""What is made of the model's answer, (N, C, h, w) in its own scale."""


@dataclass(frozen=True)
class Run:
    """Everything that all candidates share.

    guider, sampler: ComfyUI's objects; sigmas (K + 1,): the whole schedule
    latent: a LATENT of one picture; window_step: steps in which an explicit `null` conditioning
    gets its extra pass
    noise: draws each candidate's initial noise, where that is not what RandomNoise draws
    text_jitter: how far each candidate's text is moved, by its seed; see `texts.with_jitter`
    """

    guider: comfy.samplers.CFGGuider
    sampler: comfy.samplers.Sampler
    sigmas: Tensor
    latent: dict
    window_step: int
    null: list | None = None
    noise: NoiseRule | None = None
    text_jitter: float = 0.0

    @property
    def num_steps(self) -> int:
        """Steps of the whole schedule, K."""
        return len(self.sigmas) - 1

    @property
    def model(self) -> comfy.model_patcher.ModelPatcher:
        """The guider's model."""
        return self.guider.model_patcher

    def conds(self, seeds: Sequence[int] = ()) -> dict[str, list[dict]]:
        """The guider's conditionings, with the explicit null where there is one.

        seeds: of candidates, whose own texts they then are
        """
        conds = dict(self.guider.original_conds)
        if self.null is not None:
            conds = with_null(conds, self.null)
        return with_jitter(conds, seeds, self.text_jitter) if seeds and self.text_jitter else conds

    @property
    def template(self) -> Any:
        """The NOISE that the candidates' is drawn like, None where there is none."""
        return getattr(self.noise, "template", None)

    @property
    def made_of(self) -> tuple:
        """The objects that decide what a candidate is, each compared by identity."""
        return (self.guider, self.sampler, self.sigmas, self.latent, self.null, self.template)

    @property
    def numbers(self) -> tuple[float, ...]:
        """What else of a run decides it, compared by value."""
        return (self.window_step, self.text_jitter)

    def initial_noise(self, seeds: Sequence[int]) -> Tensor:
        """Initial noise of each seed, (N, C, h, w)."""
        return (self.noise or initial_noise)(self.latent, seeds)


@dataclass(frozen=True)
class Finished:
    """What one pass through the sampler gave; both (N, C, h, w) in LATENT scale.

    stopped_at: what the sampler had reached at its stop, in its own scale
    """

    samples: Tensor
    denoised: Tensor
    stopped: bool
    stopped_at: Tensor | None = None


def sample(
    run: Run,
    seeds: Sequence[int],
    tape: Tape,
    stop: int | None,
    probe: RelevanceProbe,
    on_step: OnStep,
    change: Change | None = None,
) -> Finished:
    """One pass through the sampler with the seeds as one batch.

    tape: answers the first calls and is extended in place; stop: steps to run, None for all
    probe: counts the cost; its relevance goes to the tape
    change: made to every answer that is not on the tape, in the model's scale
    """
    guider = copy.copy(run.guider)
    guider.original_conds = run.conds(seeds)
    guider.model_options = comfy.model_patcher.create_model_options_clone(guider.model_options)
    comfy.patcher_extension.add_wrapper_with_key(
        comfy.patcher_extension.WrappersMP.CALC_COND_BATCH,
        "elect",
        probe,
        guider.model_options,
        is_model_options=True,
    )
    sampler = TapedSampler(
        run.sampler, seeds, tape, stop, probe, lambda step, x0: on_step(seeds, step, x0), change
    )
    # Drawn last: samplers that use torch's global generator go on from the seed's initial noise.
    noise = run.initial_noise(seeds)
    samples = guider.sample(
        noise,
        run.latent["samples"].repeat(len(seeds), *[1] * (noise.ndim - 1)),
        sampler,
        run.sigmas,
        denoise_mask=run.latent.get("noise_mask"),
        disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
        seed=seeds[0],
    )
    device = comfy.model_management.intermediate_device()
    denoised = sampler.last_denoised
    assert denoised is not None
    denoised = run.model.model.process_latent_out(denoised.cpu())
    return Finished(samples.to(device), denoised, sampler.stopped, sampler.stopped_at)


def _chunks(seeds: Sequence[int], start: Tape | None, sizes: Sequence[int]) -> deque:
    """Seeds with their tapes, in batches of those sizes."""
    places = iter(range(len(seeds)))
    rows = [list(itertools.islice(places, size)) for size in sizes]
    return deque(
        ([seeds[i] for i in some], Tape() if start is None else start.rows(some)) for some in rows
    )


def record(
    run: Run,
    seeds: Sequence[int],
    stop_step: int,
    size: int,
    on_step: OnStep,
    max_bytes: float = math.inf,
    start: Tape | None = None,
) -> tuple[Tape, Cost]:
    """Run every seed to the stop, `size` at a time; the tape comes back in RAM, rows as `seeds`.

    size: at most; see `packing` for what is left over
    start: what the seeds have recorded before, rows as `seeds`; no call in it is made again
    A batch that runs out of memory is cut in half and goes on from what it has recorded.
    Raises ValueError when the tapes outgrow `max_bytes`.
    """
    stop = None if stop_step >= run.num_steps else stop_step
    pending = _chunks(seeds, start, chunk_sizes(len(seeds), size, is_compiled(run.model)))
    done: list[Tape] = []
    probe = RelevanceProbe(run.window_step)
    while pending:
        batch, tape = pending.popleft()
        if len(batch) > size:
            pending.appendleft((batch[size:], tape.rows(range(size, len(batch)))))
            batch, tape = batch[:size], tape.rows(range(size))
        try:
            with told_alike():
                result = sample(run, batch, tape, stop, probe, on_step)
        except out_of_memory():
            if len(batch) == 1:
                raise
            result = None
        if result is None:  # out of the handler, which keeps the failed call's tensors alive
            size = len(batch) // 2
            logging.warning("ELECT: out of memory with %d candidates at once: halved.", len(batch))
            pending.appendleft((batch, tape.to("cpu")))
            del tape
            clear_failed_call()
            continue
        if stop is not None and not result.stopped:
            raise ValueError(
                f"sampler: it ended after {len(tape.steps)} steps without reaching step "
                f"{stop_step} + 1 of sigmas, so there is no run to resume. Lower stop."
            )
        done.append(tape.to("cpu"))
        held = sum(one.nbytes for one in done)
        if held > max_bytes:
            raise ValueError(
                f"ram_limit_mb: the first candidates already hold {held / 2**20:.0f} MB, over the "
                f"limit of {max_bytes / 2**20:.0f} MB. Raise the limit, lower num_candidates or "
                "stop."
            )
    return Tape.concatenate(done), probe.cost


def why_from_start(run: Run) -> str | None:
    """Why a candidate cannot go on from its tape and stay true to its seed, or None."""
    return may_remember(run.guider)


def advance(
    run: Run,
    seeds: Sequence[int],
    tape: Tape,
    stop_step: int,
    size: int,
    on_step: OnStep,
    max_bytes: float = math.inf,
) -> tuple[Tape, Cost]:
    """Take candidates on from their tape to a later stop, as if they had run to it at once.

    Packed anew, `size` at a time, whoever ran beside whom before. No recorded call is made again,
    unless something on the model may remember earlier calls: then they run from their start.
    Returns the whole tape, in RAM, and what this part cost.
    """
    anew = why_from_start(run) if tape.steps else None
    if anew is not None:
        logging.info("ELECT: run from the start and not from the stop, since %s.", anew)
    return record(run, seeds, stop_step, size, on_step, max_bytes, None if anew else tape)
