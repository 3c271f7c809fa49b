"""What the best of N seeds by a loss is worth, as the mean over all draws of N from those run."""

from __future__ import annotations

from math import comb

import numpy as np


def chances(losses: np.ndarray, number: int) -> np.ndarray:
    """How likely each seed is to be the lowest of `number` drawn without return, (S, B).

    losses (S, B)
    """
    count = len(losses)
    by_rank = np.array([comb(count - 1 - r, number - 1) for r in range(count)], float)
    ranks = losses.argsort(0, kind="stable").argsort(0, kind="stable")
    return (by_rank / comb(count, number))[ranks]


def elected(worth: np.ndarray, losses: np.ndarray, number: int) -> np.ndarray:
    """Expected METRICS (B, M) of the best of `number`; worth (S, B, M), losses (S, B)."""
    return np.einsum("sb,sbm->bm", chances(losses, number), worth)
