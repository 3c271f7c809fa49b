"""Trains the embedded model: python -m elect_tino.embedded.train [all|vae|data|unet|...].

Each stage resumes from its last checkpoint after a kill and skips what is done. Weights are
exported to embedded/weights at every report, so the loader always has the newest ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from ..tensor_files import written_whole
from .training.run import Budget, Run
from .training.variants import AGAIN, TUNED

if TYPE_CHECKING:  # ComfyUI must not be imported before `use_cpu`
    from .training.editor import Editor

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "train"
NUM_SCENES = 3500
_MILESTONE = 500  # steps between exports
_GRID_ROWS, _GRID_COLUMNS = 6, 4


@dataclass(frozen=True)
class Job:
    """What the command line asks of a stage.

    folder: checkpoints and logs
    scenes: how many to encode
    compiled: whether UNets are compiled before they train
    """

    folder: Path
    budget: Budget
    scenes: int
    compiled: bool


def use_cpu() -> None:
    """Tells ComfyUI that there is no GPU; must run before its model management is imported."""
    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available()
    args.use_pytorch_cross_attention = True


def _vae(job: Job) -> None:
    from .training.export import export_vae
    from .training.vae import train_vae

    vae, steps = train_vae(job.folder / "vae", job.budget)
    _save(vae, job.folder / "vae.pt")
    export_vae(vae, steps)


def _save(module: torch.nn.Module, path: Path) -> None:
    with written_whole(path) as part:
        torch.save(module.state_dict(), part)


def _vae_on(job: Job) -> None:
    from .model.vae import load_shipped_vae
    from .training.export import export_vae
    from .training.vae import tune_vae

    vae, steps = tune_vae(load_shipped_vae(), job.folder / "vae_on", job.budget)
    _save(vae, job.folder / "vae.pt")
    export_vae(vae, steps, "on from the VAE before, ")


def _decoder(job: Job) -> None:
    from .model.vae import vae_of
    from .training.export import export_vae
    from .training.vae import train_decoder

    vae, steps = train_decoder(vae_of(job.folder), job.folder / "decoder", job.budget)
    export_vae(vae, steps, "the decoder alone for the last ")


def _data(job: Job) -> None:
    from .data.dataset import encode_dataset

    encode_dataset(job.folder, job.scenes)


def _reporter(
    folder: Path, export: Callable[[Editor, int, list[list[float]]], None], grid: str = ""
) -> Callable[[Run], None]:
    """Exports a run's averaged weights at its milestones and its end, and draws a grid if named."""
    from .data.dataset import load_dataset
    from .model.vae import vae_of
    from .training.editor import averaged_editor
    from .training.export import rgb_factors

    vae = vae_of(folder)
    latents = load_dataset(folder / "data")["latents"][:50, 0].float()

    def report(run: Run) -> None:
        if run.step % _MILESTONE == 0 or run.progress >= 1:
            editor = averaged_editor(run)
            export(editor, run.step, rgb_factors(editor, vae, latents))
            if grid:
                write_grid(editor, vae, folder / f"{grid}_{run.step:06d}.jpg")

    return report


def _unet(job: Job) -> None:
    use_cpu()
    from .training.export import export_editor
    from .training.unet import train_unet

    report = _reporter(job.folder, export_editor, "grid")
    data = job.folder / "data"
    options = {"report": report, "compiled": job.compiled}
    report(train_unet(job.folder / "unet", data, job.budget, **options))


def _tuned(stage: str, job: Job) -> None:
    use_cpu()
    from .training.editor import editor_to_tune
    from .training.export import export_tuned
    from .training.unet import task_of, tune_unet

    variant = TUNED[stage]
    torch.manual_seed(0)  # of the new mask heads
    start = editor_to_tune(job.folder / variant.start, variant.objective)
    teacher = deepcopy(start)
    if job.compiled:
        teacher.unet.compile()
    task = task_of(variant, teacher)
    export = partial(export_tuned, stage, variant)
    report = _reporter(job.folder, export, "" if variant.dose is None else stage)
    data = job.folder / "data"
    options = {"report": report, "task": task, "compiled": job.compiled}
    report(tune_unet(job.folder / stage, data, start, job.budget, **options))


def write_grid(editor, vae, path: Path, split: str = "val") -> None:
    """Columns of source, edit and truth for the first edits of the split."""
    from .data.pixels import to_bytes, to_floats
    from .model.text import token_ids
    from .training.sampling import sample_latents
    from .world.samples import sample

    samples = [sample(split, i) for i in range(_GRID_ROWS * _GRID_COLUMNS)]
    tokens = torch.tensor([token_ids(s.instruction) for s in samples])
    with torch.inference_mode():
        source = vae.encode(to_floats(to_bytes(np.stack([s.source for s in samples]))))
        edited = vae.decode(sample_latents(editor, source, tokens, list(range(len(samples)))))
    pictures = edited.permute(0, 2, 3, 1).numpy()
    triples = [(s.source, p, s.target) for s, p in zip(samples, pictures, strict=True)]
    tiles = [np.concatenate(t, 1) for t in triples]
    rows = [np.concatenate(tiles[i::_GRID_ROWS], 1) for i in range(_GRID_ROWS)]
    Image.fromarray((np.concatenate(rows) * 255).astype(np.uint8)).save(path, quality=88)


STAGES = {
    "vae": _vae,
    "vae_on": _vae_on,
    "data": _data,
    "unet": _unet,
    "decoder": _decoder,
    **{name: partial(_tuned, name) for name in TUNED},
}
ON_SHIPPED = ("vae_on", "decoder", *AGAIN)
"""Stages that go on with what ships; `all` begins from nothing and leaves them out."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["all", *STAGES], nargs="?", default="all")
    parser.add_argument("--minutes", type=float, help="end each training after so many minutes")
    parser.add_argument("--steps", type=int, help="end each training after so many steps")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="checkpoints and logs")
    parser.add_argument("--scenes", type=int, default=NUM_SCENES, help="how many scenes to encode")
    parser.add_argument(
        "--compile", action="store_true", help="compile UNets; pays on long runs, needs a compiler"
    )
    arguments = parser.parse_args()
    budget = Budget(arguments.steps, arguments.minutes)
    job = Job(arguments.folder, budget, arguments.scenes, arguments.compile)
    for name, stage in STAGES.items():
        if arguments.stage == name or (arguments.stage == "all" and name not in ON_SHIPPED):
            stage(job)


if __name__ == "__main__":
    main()
