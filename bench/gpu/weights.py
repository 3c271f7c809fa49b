"""Elections with weights in float8 and with a compiled model."""

from __future__ import annotations

import torch
from comfy_api.torch_helpers import set_torch_compile_wrapper

from ..clock import ON_CUDA, seconds
from .elections import NO_GPU, Rows, apart, recorded
from .scenes import Scene, Size, random_model

NUMBER, BATCH = 8, 4


def weights(size: Size) -> Rows:
    """Eight candidates, four a batch, beside the same with the size's own weights."""
    scene = Scene(size)
    expected = recorded(scene, NUMBER, BATCH).estimate()
    usual = seconds(lambda: recorded(scene, NUMBER, BATCH))
    if ON_CUDA:
        narrow = Scene(size, random_model(size, dtype=torch.float8_e4m3fn))
        found = recorded(narrow, NUMBER, BATCH).estimate()
        took = seconds(lambda: recorded(narrow, NUMBER, BATCH))
        finite = "finite" if found.isfinite().all() else "NOT FINITE"
        yield "float8 weights", f"{finite}, {took / usual:.2f} of the time"
    else:
        yield "float8 weights", NO_GPU
    compiled = Scene(size, scene.model.clone())
    set_torch_compile_wrapper(compiled.model, backend="inductor" if ON_CUDA else "eager")
    found = recorded(compiled, NUMBER, BATCH).estimate()
    took = seconds(lambda: recorded(compiled, NUMBER, BATCH))
    change = f"{apart(found, expected):.1e} of the spread from the plain model's"
    yield "torch.compile", f"{took / usual:.2f} of the time once compiled, {change}"
