"""What each policy of choosing a candidate gives, averaged over edits, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...elect_core.schedule import best_of_n_nfe, elect_nfe, step_count
from ..bootstrap import interval
from .measure import METRICS, Measured


@dataclass(frozen=True)
class Policy:
    """A way to choose: what it costs, and its value for one edit, (METRICS,)."""

    name: str
    nfe: int
    value: Callable[[Measured], np.ndarray]


@dataclass(frozen=True)
class Result:
    """A policy's means over edits and their 95 % bootstrap intervals, each (METRICS,)."""

    policy: Policy
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def of(self, metric: str) -> tuple[float, float, float]:
        """Mean and interval of one metric."""
        column = METRICS.index(metric)
        return self.mean[column], self.low[column], self.high[column]


def vanilla(num_steps: int) -> Policy:
    """One random seed: the mean over all of them."""
    return Policy("vanilla (one seed)", num_steps, lambda m: m.worth.mean(0))


def elect(mask: str, space: str, stop: float, number: int, num_steps: int) -> Policy:
    """ELECT, or Best-of-N by BIS at stop 1, over every disjoint group of `number` seeds."""
    if stop == 1:
        nfe = best_of_n_nfe(number, num_steps)
        name = f"Best-of-{number} by BIS"
    else:
        nfe = elect_nfe(number, step_count(stop, num_steps), num_steps)
        name = f"ELECT {number}, stop {stop:.0%}"
    key = (mask, space, stop, number)
    return Policy(f"{name}, {mask} mask, {space}", nfe, lambda m: m.worth[m.elected[key]].mean(0))


def oracle(number: int, num_steps: int) -> Policy:
    """The best of the first `number` by the ground truth: success first, then background."""

    def best(measured: Measured) -> np.ndarray:
        worth = measured.worth[:number]
        success, mse = worth[:, METRICS.index("success")], worth[:, METRICS.index("mse")]
        return worth[np.lexsort((mse, -success))[0]]

    return Policy(f"oracle choice of {number}", best_of_n_nfe(number, num_steps), best)


def evaluate(policy: Policy, measured: Sequence[Measured]) -> Result:
    """Means over edits, with percentile bootstrap intervals over edits."""
    values = np.stack([policy.value(one) for one in measured])
    return Result(policy, *interval(values))


def paired_gain(
    policy: Policy, base: Policy, measured: Sequence[Measured], metric: str
) -> tuple[float, float, float]:
    """Mean difference `policy - base` of a metric over edits, with its 95 % interval."""
    column = METRICS.index(metric)
    gains = np.array([policy.value(m)[column] - base.value(m)[column] for m in measured])
    mean, low, high = interval(gains)
    return float(mean), float(low), float(high)
