"""The device's memory as ComfyUI counts it: what is free, and how to go on after it ran out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import comfy.model_management
import torch
from comfy.model_patcher import ModelPatcher


def free_memory(patcher: ModelPatcher) -> float:
    """Bytes that calls of a loaded MODEL may take on its device.

    Under dynamic VRAM weights stay there until their room is wanted; the MODEL of newer ComfyUI
    counts it as free, as ComfyUI's own samplers do.
    """
    own = getattr(patcher, "get_free_memory", comfy.model_management.get_free_memory)
    free = own(patcher.load_device)
    assert isinstance(free, int | float)
    return free


def out_of_memory() -> type[BaseException]:
    """What this host raises when memory runs out."""
    kind = comfy.model_management.OOM_EXCEPTION
    return torch.OutOfMemoryError if kind is Exception else kind


@contextmanager
def told_alike() -> Iterator[None]:
    """Memory that runs out in here is raised as `out_of_memory`, however PyTorch words it.

    Where the device itself refuses, newer PyTorch raises an AcceleratorError, as for other faults
    of the device; newer ComfyUI tells them apart.
    """
    try:
        yield
    except getattr(comfy.model_management, "ACCELERATOR_ERROR", ()) as error:
        kind = out_of_memory()
        if isinstance(error, kind) or not comfy.model_management.is_oom(error):
            raise
        raise kind(str(error)) from error


def clear_failed_call() -> None:
    """Leave nothing of a model call that failed, before the next one within the same node.

    Under dynamic VRAM newer ComfyUI has pinned what the call would have used next, and records its
    allocations; it clears both when a node ends, and not before.
    """
    memory = sys.modules.get("comfy.memory_management")
    prefetch = sys.modules.get("comfy.model_prefetch")
    if prefetch is not None and getattr(memory, "aimdo_enabled", False):
        prefetch.cleanup_prefetch_queues()
    comfy.model_management.soft_empty_cache()
