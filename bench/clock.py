"""Seconds and bytes on the device that a model runs on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import comfy.model_management
import torch

ON_CUDA = torch.cuda.is_available()


def now() -> float:
    """Seconds, once the device has done all it was asked to."""
    if ON_CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def seconds(run: Callable[[], object]) -> float:
    """How long this takes, its work on the device included."""
    begin = now()
    run()
    return now() - begin


@contextmanager
def in_model(model) -> Iterator[Callable[[], float]]:
    """Ask it, after the run, for the seconds between begin and end of the model's calls.

    On a GPU by events in its own queue, so that nothing waits for them.
    """
    base, marks = model.model, []
    inner = base.apply_model

    def mark():
        if not ON_CUDA:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def timed(*args, **kwargs):
        begin = mark()
        out = inner(*args, **kwargs)
        marks.append((begin, mark()))
        return out

    def total() -> float:
        now()
        if ON_CUDA:
            return sum(begin.elapsed_time(end) for begin, end in marks) / 1000
        return sum(end - begin for begin, end in marks)

    base.apply_model = timed
    try:
        yield total
    finally:
        base.apply_model = inner


def peak(run: Callable[[], object]) -> float:
    """Bytes on the GPU at its fullest above what was there before."""
    comfy.model_management.soft_empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    return torch.cuda.max_memory_allocated() - before
