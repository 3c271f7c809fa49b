"""Shapes of a file's tensors, and how they differ from those that a model has."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
"""Key -> shape of every tensor."""


def shapes_of(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shapes of a state dict."""
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def differences(expected: Shapes, found: Shapes) -> str:
    """What a file lacks, has too much or in another shape, for a message; empty where all fits."""
    missing = sorted(expected.keys() - found.keys())
    unexpected = sorted(found.keys() - expected.keys())
    reshaped = sorted(k for k in expected.keys() & found.keys() if expected[k] != found[k])
    if not (missing or unexpected or reshaped):
        return ""
    return f"missing {missing[:3]}, unexpected {unexpected[:3]}, of another shape {reshaped[:3]}"
