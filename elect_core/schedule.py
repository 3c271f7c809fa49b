"""Schedules in fractions of steps, and what a run costs in model calls."""

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Cost:
    """What a run has spent so far.

    nfe: guider calls summed over candidates (one call is one NFE however many conditions it
        batches; an extra null-text pass is one more)
    model_evaluations: the same counted per condition
    """

    nfe: int = 0
    model_evaluations: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.nfe + other.nfe,
            self.model_evaluations + other.model_evaluations,
        )


def step_count(fraction: float, num_steps: int, name: str = "stop") -> int:
    """Number of steps that `fraction` of a schedule covers: ``max(1, round(f * K))``.

    fraction: in (0, 1]; num_steps: K.  Raises ValueError naming the input `name` otherwise.
    """
    if num_steps < 1:
        raise ValueError(f"sigmas: expected at least one step, got {num_steps}.")
    if not 0 < fraction <= 1:
        raise ValueError(
            f"{name}: expected a fraction of the steps above 0 and up to 1, got {fraction}."
        )
    return max(1, math.floor(fraction * num_steps + 0.5))


def check_window(start: float, end: float) -> None:
    """Raise ValueError unless 0 <= start < end <= 1."""
    if not 0 <= start < end <= 1:
        raise ValueError(
            f"relevance window: expected 0 <= window_start < window_end <= 1, got {start} to {end}."
        )


def window_steps(start: float, end: float, num_steps: int, num_recorded: int) -> range:
    """The steps a relevance window covers, out of the first `num_recorded` of `num_steps`.

    start, end: fractions of the whole schedule, 0 <= start < end <= 1.
    Raises ValueError when the window is empty, reversed or begins after the stop.
    """
    check_window(start, end)
    first = math.floor(start * num_steps + 0.5)
    steps = range(first, max(first + 1, math.floor(end * num_steps + 0.5)))
    if steps.start >= num_recorded:
        raise ValueError(
            f"relevance window: it begins at step {steps.start + 1}, but the candidates stopped "
            f"after step {num_recorded} of {num_steps}. Lower window_start or raise stop."
        )
    return range(steps.start, min(steps.stop, num_recorded))


def step_of_sigma(sigmas: Tensor, sigma: float) -> int:
    """Steps to run until the noise level is at most `sigma`.

    sigmas (K + 1,): decreasing.  Raises ValueError unless sigmas[-1] <= sigma < sigmas[0].
    """
    levels = sigmas.tolist()
    if not levels[-1] <= sigma < levels[0]:
        raise ValueError(
            f"stop_sigma: expected a noise level from {levels[-1]:.4g} to below {levels[0]:.4g} "
            f"(the ends of sigmas), got {sigma:.4g}."
        )
    return next(step for step, level in enumerate(levels) if level <= sigma)


def elect_nfe(num_candidates: int, stop_step: int, num_steps: int, num_elected: int = 1) -> int:
    """NFE of ELECT for a sampler with one call a step: ``N * n_stop + (K - n_stop)``."""
    return num_candidates * stop_step + num_elected * (num_steps - stop_step)


def best_of_n_nfe(num_candidates: int, num_steps: int) -> int:
    """NFE of Best-of-N for a sampler with one call a step: ``N * K``."""
    return num_candidates * num_steps
