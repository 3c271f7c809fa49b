"""Means with bootstrap intervals, and paired differences to a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray
from scipy import stats

RESAMPLES = 2000
Records = Mapping[tuple[str, str], Mapping[str, float]]


def interval(values: ndarray) -> tuple[float, float, float]:
    """Mean of (N,) with its 95 % percentile bootstrap interval, which has no width for N = 1."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, mean, mean
    how: Any = {"n_resamples": RESAMPLES, "method": "percentile", "rng": np.random.default_rng(0)}
    low, high = stats.bootstrap((values,), np.mean, **how).confidence_interval
    return mean, float(low), float(high)


def finite(records: Records, method: str, column: str) -> dict[str, float]:
    """A column's finite values by sample."""
    found = {s: values.get(column) for (s, m), values in records.items() if m == method}
    return {s: value for s, value in found.items() if value is not None and math.isfinite(value)}


def num_infinite(records: Records, method: str, column: str) -> int:
    """How many values are infinite: PSNR where nothing changed outside the mask."""
    told = (values.get(column, math.nan) for (_, m), values in records.items() if m == method)
    return sum(map(math.isinf, told))


def mean_cell(records: Records, method: str, column: str, form: str = ".4g") -> str:
    """The mean of the finite values; inf where there are only others, - where there are none."""
    values = list(finite(records, method, column).values())
    if values:
        return format(float(np.mean(values)), form)
    return "inf" if num_infinite(records, method, column) else "-"


def _cell(records: Records, method: str, column: str) -> str:
    """Mean, half the interval's width, over how many; and how many more were infinite."""
    values = np.array(list(finite(records, method, column).values()))
    infinite = num_infinite(records, method, column)
    if not len(values):
        return f"inf ({infinite})" if infinite else "-"
    mean, low, high = interval(values)
    more = f", {infinite} more are inf" if infinite else ""
    return f"{mean:.4g} ± {(high - low) / 2:.2g} ({len(values)}{more})"


def as_text(records: Records, methods: Sequence[str], columns: Sequence[str]) -> str:
    """A Markdown table: mean, half the interval's width, and how many samples are in it.

    An infinite PSNR is in no mean, and counted beside it.
    """
    lines = ["| method | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in methods:
        cells = [_cell(records, method, column) for column in columns]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def paired(records: Records, method: str, baseline: str, column: str) -> str:
    """Mean difference of a method to a baseline over the samples both have, with its interval."""
    one, other = finite(records, method, column), finite(records, baseline, column)
    both = sorted(one.keys() & other.keys())
    if not both:
        return f"{column}: no finite number in common"
    mean, low, high = interval(np.array([one[s] - other[s] for s in both]))
    return f"{column}: {mean:+.4g} [{low:+.4g}, {high:+.4g}] over {len(both)}"


def by_calls(records: Records, spent: Mapping[str, float], columns: Sequence[str]) -> str:
    """Means by method, the fewest model calls first. spent: calls for a picture by method."""
    lines = ["| method | calls | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for method, calls in sorted(spent.items(), key=lambda one: one[1]):
        cells = [mean_cell(records, method, column) for column in columns]
        lines.append(f"| {method} | {calls:.4g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def by_group(
    records: Records, groups: Mapping[str, str], methods: Sequence[str], column: str
) -> str:
    """Means by method and category, and the mean of those means; groups: category by sample."""
    names = sorted(set(groups.values()))
    lines = [
        f"| {' | '.join([column, *names, 'mean of these'])} |",
        "|---" * (len(names) + 2) + "|",
    ]
    for method in methods:
        values = finite(records, method, column)
        parts = [[v for s, v in values.items() if groups[s] == name] for name in names]
        means = [float(np.mean(part)) for part in parts if part]
        cells = [f"{np.mean(part):.4g}" if part else "-" for part in parts]
        # A category without a number would make a mean of another thing.
        every = f"{np.mean(means):.4g}" if len(means) == len(names) else "-"
        lines.append(f"| {method} | {' | '.join(cells)} | {every} |")
    return "\n".join(lines)
