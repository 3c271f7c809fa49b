"""The whole method outside ComfyUI, on any `denoise(x, sigma, cond)` and `sampler(model, x, s)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .relevance import aggregate, raw_relevance
from .sampler import SeededNoise
from .schedule import elect_nfe, step_count, window_steps
from .score import background_inconsistency, change_inside, edit_share
from .selection import Ranking, rank
from .tape import Answer, Stopped, Tape, TapeModel

Denoise = Callable[[Tensor, Tensor, Any], Tensor]
Sampler = Callable[..., Tensor]
Guide = Callable[[Mapping[str, Tensor]], Tensor]


def classifier_free(scale: float) -> Guide:
    """Classifier-free guidance over the conditions ``text`` and ``null``."""
    return lambda p: p["null"] + scale * (p["text"] - p["null"])


def instruct_pix2pix(text_scale: float, image_scale: float) -> Guide:
    """InstructPix2Pix's rule ``u + s_I (i - u) + s_T (t - i)``.

    Conditions: ``text`` (text and image), ``null`` (no text, image), ``none`` (neither).
    """

    def guide(p: Mapping[str, Tensor]) -> Tensor:
        image = p["none"] + image_scale * (p["null"] - p["none"])
        return image + text_scale * (p["text"] - p["null"])

    return guide


@dataclass(frozen=True)
class Election:
    """What an election found.

    latent (1, C, h, w): the elected candidate, finished; estimates (N, C, h, w) at the stop;
    relevance (1, 1, h, w); scores, edits (N,); nfe: guider calls summed over candidates
    """

    latent: Tensor
    ranking: Ranking
    scores: Tensor
    edits: Tensor
    estimates: Tensor
    relevance: Tensor
    nfe: int


class _SigmaSteps:
    """Tells a TapeModel that a step is over when the first call below its end comes in."""

    def __init__(self, model: TapeModel, sigmas: Tensor):
        self.model = model
        self.ends = sigmas[1:].tolist()

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        # A sampler may hand the level over in x's dtype, rounded by up to half of its eps.
        rounding = max(1e-6, torch.finfo(sigma.dtype).eps)
        level = float(sigma.flatten()[0]) * (1 - rounding)
        while self.model.finished < len(self.ends) and level <= self.ends[self.model.finished]:
            self.model.end_step()
        return self.model(x, sigma)


def _answer(denoise: Denoise, conds: Mapping[str, Any], guide: Guide) -> Callable[..., Answer]:
    def answer(x: Tensor, sigma: Tensor) -> Answer:
        predictions = {name: denoise(x, sigma, cond) for name, cond in conds.items()}
        relevance = raw_relevance(predictions["text"], predictions["null"])
        return {"denoised": guide(predictions), "relevance": relevance}

    return answer


def _sample(
    sampler: Sampler, model: TapeModel, noise: Tensor, sigmas: Tensor, seeds: Sequence[int]
) -> Tensor | None:
    arguments: dict[str, Any] = {}
    parameter = inspect.signature(sampler).parameters.get("noise_sampler")
    if parameter is not None and parameter.default is None:
        # Offset, so that the first injected noise is not the initial noise again.
        arguments["noise_sampler"] = SeededNoise(
            [(s + 1) % 2**64 for s in seeds], noise.shape[1:], noise
        )
    try:
        latent = sampler(_SigmaSteps(model, sigmas), noise * sigmas[0], sigmas, **arguments)
    except Stopped:
        return None
    model.end_step()
    return latent


@torch.no_grad()
def elect(
    denoise: Denoise,
    sampler: Sampler,
    sigmas: Tensor,
    conds: Mapping[str, Any],
    guide: Guide,
    source: Tensor,
    seeds: Sequence[int],
    *,
    noise: Tensor | None = None,
    stop: float = 0.4,
    window: tuple[float, float] = (0.0, 0.2),
    form: str = "paper",
    minimum_edit: float = 0.0,
) -> Election:
    """Run every seed to the stop, elect the one with the steadiest background, finish only it.

    denoise: ``(x (N, C, h, w), sigma (), cond) -> denoised (N, C, h, w)``
    sampler: ``(model, x, sigmas)``, see `sampler`; deterministic, or with a `noise_sampler`
    sigmas (K + 1,): decreasing, on the CPU; conds: at least ``text`` and ``null``, for `guide`
    source (1, C, h, w): the source image's latent in the model's scale
    noise (N, C, h, w): unit noise; drawn from the seeds when left out
    stop, window: fractions of the K steps; form: see `relevance`

    One seed is the vanilla run; ``stop=1`` is Best-of-N by BIS. Source: ELECT, section 4.
    """
    num_steps = len(sigmas) - 1
    stop_step = step_count(stop, num_steps)
    steps = window_steps(*window, num_steps, stop_step)
    if noise is None:
        noise = SeededNoise(seeds, source.shape[1:], source)()
    model = _answer(denoise, conds, guide)

    tape = Tape()
    _sample(sampler, TapeModel(model, tape, stop_step), noise, sigmas, seeds)
    estimates = tape.estimate(stop_step - 1)
    relevance = aggregate(tape.relevance(steps), form)
    scores = background_inconsistency(source, estimates, relevance)
    edits = change_inside(source, estimates, relevance)
    ranking = rank(scores, edit_share(scores, edits), minimum_edit)
    best = ranking.elected
    elected = TapeModel(model, tape.rows([best]))
    latent = _sample(sampler, elected, noise[best : best + 1], sigmas, [seeds[best]])
    assert latent is not None
    calls = len(tape.calls)
    nfe = elect_nfe(len(seeds), calls, len(elected.tape.calls))
    return Election(latent, ranking, scores, edits, estimates, relevance, nfe)
