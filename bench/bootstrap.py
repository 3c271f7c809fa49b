"""Means over edits with what they may owe to the choice of edits."""

import numpy as np

_RESAMPLES = 2000


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the first axis with its 95 % percentile bootstrap interval, without that axis."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(_RESAMPLES, len(values)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return values.mean(0), low, high
