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


def as_text(records: Records, methods: Sequence[str], columns: Sequence[str]) -> str:
    """A Markdown table: mean, half the interval's width, and how many samples are in it."""
    lines = ["| method | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in methods:
        cells = []
        for column in columns:
            values = np.array(list(finite(records, method, column).values()))
            if not len(values):
                cells.append("-")
                continue
            mean, low, high = interval(values)
            cells.append(f"{mean:.4g} ± {(high - low) / 2:.2g} ({len(values)})")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def paired(records: Records, method: str, baseline: str, column: str) -> str:
    """Mean difference of a method to a baseline over the samples both have, with its interval."""
    one, other = finite(records, method, column), finite(records, baseline, column)
    both = sorted(one.keys() & other.keys())
    if not both:
        return f"{column}: no sample in common"
    mean, low, high = interval(np.array([one[s] - other[s] for s in both]))
    return f"{column}: {mean:+.4g} [{low:+.4g}, {high:+.4g}] over {len(both)}"


def by_calls(records: Records, methods: Sequence[str], columns: Sequence[str]) -> str:
    """Means by method, the fewest model calls first; "" where no method tells its calls."""
    spent = {method: list(finite(records, method, "calls").values()) for method in methods}
    told = sorted((float(np.mean(calls)), method) for method, calls in spent.items() if calls)
    lines = ["| method | calls | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for calls, method in told:
        means = [list(finite(records, method, column).values()) for column in columns]
        cells = [f"{np.mean(values):.4g}" if values else "-" for values in means]
        lines.append(f"| {method} | {calls:.4g} | {' | '.join(cells)} |")
    return "\n".join(lines) if told else ""
