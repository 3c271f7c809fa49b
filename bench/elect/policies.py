"""What each policy of choosing a candidate gives, averaged over edits, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...elect_core.schedule import best_of_n_nfe, elect_nfe, step_count
from ..bootstrap import interval
from .measure import Measured
from .rules import Rule
from .worth import METRICS


@dataclass(frozen=True)
class Policy:
    """A way to choose: what it costs, and its value for one edit, (METRICS,).

    mask: what it takes for the edited region, a rule's; empty for none
    """

    name: str
    nfe: int
    value: Callable[[Measured], np.ndarray]
    mask: str = ""


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


def elect(rule: Rule, stop: float, number: int, num_steps: int, pasted: bool = False) -> Policy:
    """ELECT, or Best-of-N at stop 1, by a rule over every disjoint group of `number` seeds.

    pasted: with the source put back outside the relevance map
    """
    if stop == 1:
        nfe = best_of_n_nfe(number, num_steps)
        name = f"Best-of-{number}"
    else:
        nfe = elect_nfe(number, step_count(stop, num_steps), num_steps)
        name = f"ELECT {number}, stop {stop:.0%}"
    key = (rule, stop, number)

    def value(measured: Measured) -> np.ndarray:
        worth = measured.pasted if pasted else measured.worth
        return worth[measured.elected[key]].mean(0)

    title = f"{name}, {rule.title}{', pasted back' if pasted else ''}"
    return Policy(title, nfe, value, rule.mask)


def untouched() -> Policy:
    """The source as it came: the background columns alone can be bought by it."""
    return Policy("no edit: the source", 0, lambda m: m.untouched)


def pasted_seed(num_steps: int) -> Policy:
    """One random seed with the source back outside the relevance map."""
    return Policy("one seed, source pasted back", num_steps, lambda m: m.pasted.mean(0))


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


def calls_to_reach(wanted: Result, curve: Sequence[Result], metric: str = "mse") -> float | None:
    """Calls at which a curve of policies comes down to another policy's mean (the paper's NFE).

    curve: by rising cost; between two policies log(NFE) is taken as linear in the metric.
    Returns None where even the dearest is worse.
    """
    target = wanted.of(metric)[0]
    points = [(result.policy.nfe, result.of(metric)[0]) for result in curve]
    for (cheap, worse), (dear, better) in zip(points[:-1], points[1:], strict=True):
        if better <= target < worse:
            share = (worse - target) / (worse - better)
            return float(np.exp(np.log(cheap) + share * np.log(dear / cheap)))
    return float(points[0][0]) if points[0][1] <= target else None
