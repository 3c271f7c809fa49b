"""An iteration of TiNO-Edit in passes of K steps, and its memory beside what was foreseen."""

from __future__ import annotations

from dataclasses import replace

import torch

from ...nodes.host.tino.edit import BareLoss, Edit
from ...nodes.host.tino.memory import Memory
from ...nodes.host.tino.optimising import Watch, run
from ...tino_core.settings import Settings
from ..clock import ON_CUDA, peak
from ..tino.cost import forward_seconds, iteration_seconds
from .elections import NO_GPU, Rows
from .scenes import Size, random_model, words

SETTINGS = Settings(num_steps=5, iterations=6)


def edit_of(size: Size) -> Edit:
    """One picture at guidance 1, with a loss that costs nothing."""
    shape = (1, 4, size.cells, size.cells)
    source, noise = (torch.randn(shape, generator=torch.Generator().manual_seed(n)) for n in (5, 6))
    loss = BareLoss(lambda own: lambda x0: (x0 - own).square().mean((1, 2, 3)))
    model, mask = random_model(size, channels=4), torch.ones(1, 1, size.cells, size.cells)
    return Edit(model, words(size, 1), None, 1.0, {"samples": source}, None, mask, noise, loss)


@torch.inference_mode()
def tino(size: Size) -> Rows:
    """Ours computes each step again on the way back; ComfyUI's batch stands for what is free."""
    edit = edit_of(size)
    forward = forward_seconds(edit, SETTINGS)
    for name, again in (("steps computed again", True), ("activations kept", False)):
        one = replace(SETTINGS, recompute=again)
        ratio = iteration_seconds(edit, one) / forward
        yield f"an iteration, {name}", f"{ratio:.2f} passes of {one.num_steps} steps"
    foreseen = Memory(edit.model, edit)
    yield "memory foreseen", f"{foreseen.needed / 2**30:.2f} GiB beside the weights"
    if not ON_CUDA:
        yield "memory found", NO_GPU
        return
    found = peak(lambda: run(edit, replace(SETTINGS, iterations=1), Watch()))
    yield "memory found", f"{found / 2**30:.2f} GiB beside the weights"
