"""Memory of many candidates, of a batch too large for it, and of a model that does not fit."""

from __future__ import annotations

import comfy.model_management
import torch

from ...nodes.host.device_memory import free_memory
from ..clock import ON_CUDA, peak
from .elections import NO_GPU, Rows, apart, recorded
from .scenes import Scene, Size

BATCH, FEW, MANY = 8, 8, 64


def many(size: Size) -> Rows:
    """The peak of 8 and of 64 candidates, 8 a batch, beside ComfyUI's estimate of a batch."""
    scene = Scene(size)
    recorded(scene, BATCH, BATCH)
    rows = 3 * BATCH
    estimate = scene.model.memory_required([rows, *scene.source.shape[1:]])
    yield f"ComfyUI's estimate of a batch of {BATCH}", f"{estimate / 2**30:.2f} GiB"
    for number in (FEW, MANY):
        if not ON_CUDA:
            yield f"{number} candidates", NO_GPU
            continue
        found = peak(lambda number=number: recorded(scene, number, BATCH))
        yield f"{number} candidates", f"{found / 2**30:.2f} GiB above the weights"


def halved(size: Size) -> Rows:
    """A batch that really runs out of memory, and the same without that."""
    scene = Scene(size)
    whole = recorded(scene, BATCH, BATCH).estimate()
    if not ON_CUDA:
        yield "after out of memory", NO_GPU
        return
    needed = peak(lambda: recorded(scene, BATCH, BATCH))
    comfy.model_management.soft_empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(
        (torch.cuda.memory_reserved() + 0.7 * needed) / total
    )
    found = recorded(scene, BATCH, BATCH).estimate()
    yield "after out of memory", f"{apart(found, whole):.1e} of the spread from the whole batch's"


def low_vram(size: Size) -> Rows:
    """ComfyUI told to leave so much memory alone that half of the weights stay in RAM."""
    scene = Scene(size)
    whole = recorded(scene, 4, 4).estimate()
    if not ON_CUDA:
        yield "half of the weights in RAM", NO_GPU
        return
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
    needed = scene.model.memory_required([3 * 4, *scene.source.shape[1:]])
    kept = scene.model.model_size() / 2 + needed
    comfy.model_management.EXTRA_RESERVED_VRAM = int(
        free_memory(scene.model) - kept
    )  # what --reserve-vram sets
    found = recorded(scene, 4, 4).estimate()
    loaded = scene.model.loaded_size() / scene.model.model_size()
    change = f"{apart(found, whole):.1e} of the spread from all on the GPU"
    yield "half of the weights in RAM", f"{change}, {loaded:.0%} loaded"
