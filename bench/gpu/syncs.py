"""Where the pack's own code makes the host wait for the GPU, by what PyTorch warns of."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..clock import ON_CUDA
from .elections import NO_GPU, Rows, recorded
from .scenes import Scene, Size

PACK = Path(__file__).resolve().parents[2]
_SAID = "called a synchronizing CUDA operation"


def _ours(frame) -> str | None:
    """The place, where the innermost Python code that is not PyTorch's is the pack's; else None."""
    torchs = str(Path(torch.__file__).parent)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(torchs) and file not in (__file__, warnings.__file__):
            path = Path(file).resolve()
            inside = path.is_relative_to(PACK) and not path.is_relative_to(PACK / ".cache")
            return f"{path.relative_to(PACK)}:{frame.f_lineno}" if inside else None
        frame = frame.f_back
    return None


@contextmanager
def waits() -> Iterator[Counter[str]]:
    """Counts the pack's lines that wait for the GPU; those of ComfyUI's own calls do not count."""
    found: Counter[str] = Counter()

    def heard(message, *_: object, **__: object) -> None:
        place = _ours(sys._getframe(1)) if _SAID in str(message) else None
        if place is not None:
            found[place] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = heard
        if ON_CUDA:
            torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            if ON_CUDA:
                torch.cuda.set_sync_debug_mode("default")


def syncs(size: Size) -> Rows:
    """Waits of 2 and of 16 candidates in one batch: the pack's may not grow with them."""
    scene = Scene(size)
    recorded(scene, 2, 2)
    if not ON_CUDA:
        yield "the host waits", NO_GPU
        return
    for number in (2, 16):
        with waits() as found:
            recorded(scene, number, number)
        places = ", ".join(f"{place} {times}" for place, times in found.most_common(6))
        yield f"the host waits, {number} candidates", f"{found.total()} times ({places or 'none'})"
