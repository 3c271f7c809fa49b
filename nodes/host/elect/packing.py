"""Candidates packed into batches: as many as fit, or always the same number for a compiled model.

torch.compile compiles a model anew for another size of batch, which takes longer than many steps.
The elected candidate is finished alone, so that a batch of one is needed anyway; hence a compiled
model gets batches of one size besides that, and what is left over runs one by one. No candidate is
run for nothing: to fill the last batches of a race up would cost up to a quarter of its calls.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import comfy.model_patcher

Part = tuple[int, int]
"""So many candidates for so many steps."""


def is_compiled(patcher: comfy.model_patcher.ModelPatcher) -> bool:
    """Whether torch.compile has been put on a MODEL, by ComfyUI's node or another pack's."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is None:  # slow to import, and without it nothing is compiled
        return False
    parts = [patcher.model.diffusion_model, *patcher.object_patches.values()]
    return "torch_compile_kwargs" in patcher.model_options or any(
        isinstance(one, dynamo.OptimizedModule) for one in parts
    )


def chunk_sizes(number: int, size: int, even: bool) -> list[int]:
    """Sizes of the batches that `number` candidates make, at most `size` at once.

    even: all of them `size` or 1
    """
    full, left = divmod(number, size)
    rest = [1] * left if even else [left] * (left > 0)
    return [size] * full + rest


def even_size(most: int, parts: Sequence[Part]) -> int:
    """The size of all batches, up to `most`, with the fewest passes of the model.

    Of equals the one that leaves nobody over, then the largest.
    """

    def passes(size: int) -> tuple[int, int, int]:
        made = sum(len(chunk_sizes(n, size, True)) * steps for n, steps in parts)
        return made, sum(n % size for n, _ in parts), -size

    return min(range(1, most + 1), key=passes)
