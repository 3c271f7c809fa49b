"""What a run is made of, as plain values: to be kept in a file and compared with a later run.

Tensors are told by a digest and, since a text encoder may round otherwise tomorrow (another batch,
part of it on another device), by a few random projections beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

ROUNDING = 0.01
"""How far projections may move, by the tensor's norm, and still be the same values rounded."""
_PROJECTIONS = 8
_SKIPPED = ("uuid",)  # drawn anew whenever a conditioning is set
_DEPTH = 6
_WORDS = (bool, int, float, str, type(None))

Plain = Any
"""Values that JSON can say."""


def described(value: Any, depth: int = _DEPTH) -> Plain:
    """A value as plain ones: tensors by digest, objects by their class and what they hold."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return _tensor(value)
    if depth == 0:
        return _kind(value)
    if isinstance(value, Mapping):
        names = [name for name in value if name not in _SKIPPED]
        return {str(name): described(value[name], depth - 1) for name in names}
    if isinstance(value, list | tuple):
        return [described(one, depth - 1) for one in value]
    if callable(value) or isinstance(value, type):
        return _kind(value)
    return {"kind": _kind(value), **described(_held(value), depth - 1)}


def _kind(value: Any) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _held(value: Any) -> dict[str, Any]:
    """What of an object's own attributes says what it does: numbers, words, tensors, code."""
    told = (bool, int, float, str, Tensor, list, tuple, dict)
    names = getattr(value, "__dict__", {})
    return {
        name: one
        for name, one in names.items()
        if name[0] != "_" and (isinstance(one, told) or callable(one))
    }


def _tensor(value: Tensor) -> Plain:
    plain = value.detach().cpu().flatten().contiguous()
    flat = plain.double()
    return {
        "shape": list(value.shape),
        "sha256": hashlib.sha256(plain.view(torch.uint8).numpy().tobytes()).hexdigest()[:32],
        "norm": float(flat.norm()),
        "projections": _projections(flat),
    }


def _projections(flat: Tensor) -> list[float]:
    """Sums under random signs: the same for the same values, and any change moves all of them."""
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, flat.shape, generator=generator, dtype=torch.int8) * 2 - 1
    flat = flat.nan_to_num()
    return [float(flat @ signs.roll(7919 * k).double()) for k in range(_PROJECTIONS)]


def digest(value: Plain) -> str:
    """A few letters for plain values, the same for the same ones."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def difference(then: Plain, now: Plain, at: str = "") -> tuple[str, bool] | None:
    """Where two described values first differ and whether by rounding alone; None where not at all.

    A difference that is more than rounding goes before one that is not.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        if "projections" in then and "projections" in now:
            return _between_tensors(then, now, at)
        return _first([(name, then.get(name), now.get(name)) for name in {**then, **now}], at)
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = zip(then, now, strict=True)
        return _first([(str(n + 1), a, b) for n, (a, b) in enumerate(pairs)], at)
    alike = isinstance(then, _WORDS) and isinstance(now, _WORDS) and repr(then) == repr(now)
    return None if alike else (f"{at}{_both(then, now)}", False)


def _both(then: Plain, now: Plain) -> str:
    if isinstance(then, _WORDS) and isinstance(now, _WORDS):
        return f" ({str(then)[:60]} then, {str(now)[:60]} now)"
    return ""


def _first(parts: list[tuple[str, Plain, Plain]], at: str) -> tuple[str, bool] | None:
    found = [difference(a, b, f"{at} {name}".strip()) for name, a, b in parts]
    told = [one for one in found if one is not None]
    return min(told, key=lambda one: one[1], default=None)


def _between_tensors(then: Plain, now: Plain, at: str) -> tuple[str, bool] | None:
    if then.get("shape") != now["shape"]:
        return f"{at} (shape {then.get('shape')} then, {now['shape']} now)", False
    if then.get("sha256") == now["sha256"]:
        return None
    before = then["projections"]
    if not isinstance(before, list) or not all(isinstance(one, float) for one in before):
        return at, False
    moved = [abs(a - b) for a, b in zip(before, now["projections"], strict=False)]
    return at, len(moved) == _PROJECTIONS and max(moved) <= ROUNDING * now["norm"]
