"""What the nodes cost beside the model: overhead, batching, memory, another choice; of one run."""

import statistics
import threading
import time
from pathlib import Path

import psutil
import torch

from ..nodes.host.elect.run import Run, record
from .clicks import clicked
from .clock import in_model, seconds
from .edits import EditBench

ON_A_GPU = "\n## On a GPU\n\n"
"""Heading of the section that `bench gpu` writes."""


def _record(run: Run, num_candidates: int, size: int, stop_step: int) -> float:
    """Seconds of so many candidates."""
    with torch.inference_mode():
        return seconds(lambda: record(run, range(num_candidates), stop_step, size, lambda *_: None))


class _PeakMemory(threading.Thread):
    """Highest resident memory of this process while it runs, in bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.process = psutil.Process()
        self.peak = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            self.peak = max(self.peak, self.process.memory_info().rss)
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.done.set()
        self.join()


def overhead(run: Run, repeats: int = 5) -> float:
    """Median share of a run's time that is not spent in the model."""
    shares = []
    for _ in range(repeats):
        with in_model(run.model) as inside:
            total = _record(run, 8, 8, run.num_steps)
            shares.append(1 - inside() / total)
    return statistics.median(shares)


def batching(run: Run, repeats: int = 5) -> float:
    """Median time of 8 candidates one by one over the time of the same 8 at once."""
    pairs = [(_record(run, 8, 1, 8), _record(run, 8, 8, 8)) for _ in range(repeats)]
    return statistics.median(one / batch for one, batch in pairs)


def large(run: Run, cells: int = 64) -> Run:
    """The run on a latent of cells x cells, where the model's memory shows."""
    latent = {"samples": torch.zeros(1, 4, cells, cells)}
    return Run(run.guider, run.sampler, run.sigmas, latent, run.window_step)


def memory(run: Run, numbers=(4, 8, 16, 32), size: int = 4) -> list[tuple[int, float]]:
    """(candidates, peak resident MB above the start) with `size` candidates a batch."""
    _record(run, size, size, 2)
    found = []
    for number in numbers:
        before = psutil.Process().memory_info().rss
        with _PeakMemory() as peak:
            _record(run, number, size, 2)
        found.append((number, (peak.peak - before) / 2**20))
    return found


def write_system(bench: EditBench, path: Path) -> str:
    """Measure and write the section; returns it."""
    run = bench.run(bench.edit(0), "euler")
    rows = "\n".join(f"| {number} | {peak:.0f} |" for number, peak in memory(large(run)))
    text = f"""# What the nodes cost beside the model

Made by `python3 dev.py bench system`, on the CPU. Ratios are of one run on one machine.

`python3 dev.py bench gpu` measures a GPU in nine minutes, with random weights of SD 1.5's and
SDXL's size, and puts a section here: candidates a second by batch, memory beside ComfyUI's
estimate, a real out of memory, float8 weights, `torch.compile`, a model that does not fit, where
the host waits, every sampler's seeds, TiNO-Edit. Without a GPU it rehearses on small models, to
the screen alone.

- Outside the model (sampler, guider, tape, relevance): {overhead(run):.1%} of the time of 8
  candidates of 128x128 pixels; the embedded model is tiny, so with a real one the share is smaller.
- 8 candidates one by one take {batching(run):.2f} times as long as in one batch.
- {clicked()} of the demo, in a
  ComfyUI of its own.

Peak memory above the start, 512x512-pixel latents, 4 candidates a batch:

| candidates | MB |
|---|---|
{rows}
"""
    path.write_text(text + "".join(_parts(path)[1:]), encoding="utf-8")
    return text


def write_gpu(text: str, path: Path) -> None:
    """Put the page's section about a GPU in the place of an older one."""
    path.write_text(f"{_parts(path)[0]}{ON_A_GPU}{text}", encoding="utf-8")


def _parts(path: Path) -> tuple[str, str, str]:
    """What the page has before its section about a GPU, that heading, and the section."""
    return path.read_text(encoding="utf-8").partition(ON_A_GPU) if path.exists() else ("", "", "")
