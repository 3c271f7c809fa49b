"""The tape: what the model answered, so that a paused sampler can go on exactly.

A sampler is a deterministic function of its inputs and of the model's answers. Recording the
answers is therefore enough to stop it anywhere (raise out of the model call), to drop candidates
(keep fewer rows), and to resume it later: run the same sampler from the start, answer the
recorded calls from the tape at no cost, and let it call the model from there. Multistep history,
ancestral noise and Brownian trees rebuild themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

Answer = dict[str, Tensor]
"""One model call's results by name.

``denoised`` (N, C, h, w) is always there; ``relevance`` (N, 1, h, w) is the un-normalised map of
the call where there was a signal; other names are what a sampler reads besides.
"""


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """Raised out of a model call when the run has reached its stop."""


@dataclass(frozen=True)
class Step:
    """One finished sampler step.

    call: index of the model call whose `denoised` is this step's estimate
    blended (N, C, h, w): the estimate where it is not that call's own (inpainting), else None
    """

    call: int
    blended: Tensor | None = None


@dataclass
class Tape:
    """The recorded calls and steps of N candidates that ran side by side."""

    calls: list[Answer] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def estimate(self, step: int = -1) -> Tensor:
        """Estimate of the finished latent at `step` (the last by default), (N, C, h, w)."""
        if not self.steps:
            raise ValueError("tape: no finished step is recorded, so there is no estimate.")
        chosen = self.steps[step]
        if chosen.blended is not None:
            return chosen.blended
        return self.calls[chosen.call]["denoised"]

    def relevance(self, steps: Iterable[int]) -> list[Tensor]:
        """Un-normalised maps (N, 1, h, w) of those of the steps that have one."""
        answers = [self.calls[self.steps[step].call] for step in steps]
        return [answer["relevance"] for answer in answers if "relevance" in answer]

    def map(self, change: Callable[[Tensor], Tensor]) -> Tape:
        """The tape with `change` applied to every tensor."""

        return Tape(
            [{name: change(value) for name, value in call.items()} for call in self.calls],
            [
                step if step.blended is None else replace(step, blended=change(step.blended))
                for step in self.steps
            ],
        )

    def rows(self, indices: Sequence[int]) -> Tape:
        """The tape of some of the candidates, in the order given (copies: nothing is shared)."""
        return self.map(lambda t: t[torch.tensor(list(indices), device=t.device)])

    def to(self, device: torch.device | str) -> Tape:
        """The tape on another device."""
        return self.map(lambda t: t.to(device))

    @property
    def nbytes(self) -> int:
        """Memory the tape holds, in bytes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors())

    def tensors(self) -> list[Tensor]:
        """Everything it holds, call by call, then what was blended."""
        answers = [value for call in self.calls for value in call.values()]
        return answers + [step.blended for step in self.steps if step.blended is not None]

    @staticmethod
    def concatenate(tapes: Sequence[Tape]) -> Tape:
        """One tape of all candidates; every tape must have stopped at the same call."""
        first = tapes[0]
        if any(len(t.calls) != len(first.calls) or len(t.steps) != len(first.steps) for t in tapes):
            raise ValueError(
                "tapes: expected runs of the same sampler, sigmas and stop, got "
                f"{sorted({len(t.calls) for t in tapes})} recorded calls."
            )

        calls = []
        for answers in zip(*(t.calls for t in tapes), strict=True):
            shared = [name for name in answers[0] if all(name in answer for answer in answers)]
            calls.append({name: torch.cat([a[name] for a in answers]) for name in shared})
        steps = []
        for parts in zip(*(t.steps for t in tapes), strict=True):
            blended = None
            if any(part.blended is not None for part in parts):
                blended = torch.cat([tape.estimate(len(steps)) for tape in tapes])
            steps.append(replace(parts[0], blended=blended))
        return Tape(calls, steps)


class TapeModel:
    """A model that answers from a tape while it lasts, then calls the real one and records it.

    model: ``model(x, sigma, **kwargs) -> Answer``
    tape: extended in place, so that it survives an exception (out of memory, interruption)
    stop_step: raise `Stopped` at the first call after this many finished steps; None never stops
    replayed: called with (x, sigma, answer, **kwargs) for each call answered from the tape
    keep: makes the copy that goes to the tape
    """

    def __init__(
        self,
        model: Callable[..., Answer],
        tape: Tape,
        stop_step: int | None = None,
        replayed: Callable[..., None] | None = None,
        keep: Callable[[Tensor], Tensor] = torch.clone,
    ):
        self.model = model
        self.tape = tape
        self.stop_step = stop_step
        self.replayed = replayed
        self.keep = keep
        self.position = 0
        self.finished = 0
        self.stopped_at: Tensor | None = None
        """The latent (N, C, h, w) that the sampler had reached at the stop."""

    def __call__(self, x: Tensor, sigma: Tensor, **kwargs: Any) -> Tensor:
        """The denoised latent (N, C, h, w); raises `Stopped` past the stop."""
        if self.stop_step is not None and self.finished >= self.stop_step:
            self.stopped_at = x.clone()
            raise Stopped
        if self.position < len(self.tape.calls):
            answer = {
                name: value.to(x.device, copy=True, non_blocking=x.device.type == "cuda")
                for name, value in self.tape.calls[self.position].items()
            }
            if self.replayed is not None:
                self.replayed(x, sigma, answer, **kwargs)
        else:
            answer = self.model(x, sigma, **kwargs)
            # Copies: a sampler may write into the tensor it is given.
            self.tape.calls.append({name: self.keep(value) for name, value in answer.items()})
        self.position += 1
        return answer["denoised"]

    def end_step(self, blended: Tensor | None = None) -> None:
        """Mark the latest call as a finished step's estimate; replayed steps are left as they are.

        blended (N, C, h, w): the estimate where the caller changed the model's answer.
        """
        self.finished += 1
        if self.finished > len(self.tape.steps):
            kept = None if blended is None else self.keep(blended)
            self.tape.steps.append(Step(self.position - 1, kept))
