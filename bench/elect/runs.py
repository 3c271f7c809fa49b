"""Every seed of every edit in full, once. Resumable: an edit's tape is one file."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ...elect_core.tape import Tape
from ...embedded.world.samples import Sample
from ...nodes.host.elect.run import record
from ...tensor_files import write_tensor_file
from ..edits import EditBench


@dataclass(frozen=True)
class EditRun:
    """What one edit's candidates went through.

    estimates (K, N, C, h, w): of every step, LATENT scale
    maps (K, N, 1, h, w): of every step, raw scale; (0, N, 1, h, w) of a run without text-free calls
    """

    estimates: Tensor
    maps: Tensor


def seed_of(index: int, number: int) -> int:
    """Of candidate `number` of an edit."""
    return 1000 * index + number


def _pack(bench: EditBench, tape: Tape) -> dict[str, Tensor]:
    steps = range(len(tape.steps))
    scale = bench.model.model.process_latent_out
    estimates = torch.stack([scale(tape.estimate(step)) for step in steps]).contiguous()
    maps = tape.relevance(steps)
    none = estimates[:0, :, :1]
    return {"estimates": estimates, "maps": torch.stack(maps).contiguous() if maps else none}


def run_edits(
    bench: EditBench,
    folder: Path,
    sampler: str,
    num_edits: int,
    num_seeds: int,
    edit_of: Callable[[int], Sample] | None = None,
    text_jitter: float = 0.0,
) -> None:
    """Run what is missing in `folder`; see `seed_of`.

    edit_of: an edit by its number, where it is not the bench's own; text_jitter: of candidates
    """
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    for index in range(num_edits):
        path = folder / f"{index:04}.safetensors"
        if path.exists():
            continue
        run = bench.run((edit_of or bench.edit)(index), sampler, text_jitter)
        seeds = [seed_of(index, k) for k in range(num_seeds)]
        with torch.inference_mode():
            tape, _ = record(run, seeds, run.num_steps, num_seeds, lambda *_: None)
            write_tensor_file(path, _pack(bench, tape), {})
        spent = time.monotonic() - begin
        print(f"{sampler}: edit {index + 1} of {num_edits}, {spent:.0f} s", flush=True)


def load_run(folder: Path, index: int) -> EditRun:
    """One edit's tape."""
    return EditRun(**load_file(folder / f"{index:04}.safetensors"))
