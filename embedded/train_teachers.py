"""Trains teachers and students: python -m elect_tino.embedded.train_teachers [all|pictures|...].

Stages, in turn: `pictures` renders edits and wrong answers to them, `clip`, `vgg` and `observer`
train on them, `folders` writes what the training script of the latent models reads, `latent_clip`
and `latent_vgg` run that very script. Each resumes after a kill and skips what is done. `clip_on`
goes on from the teacher that ships, if asked for.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from .train import DEFAULT_FOLDER
from .training.run import Budget

FOLDER = DEFAULT_FOLDER.parent / "teachers"
STEPS = {
    "clip": 3000,
    "clip_on": 2000,
    "vgg": 800,
    "observer": 600,
    "latent_clip": 3000,
    "latent_vgg": 1500,
}


def _pictures(folder: Path, budget: Budget) -> None:
    from .data.teacher_pictures import render_to

    render_to(folder / "pictures")


def _budget(budget: Budget, stage: str) -> Budget:
    if budget.steps is None and budget.minutes is None:
        return Budget(steps=STEPS[stage])
    return budget


def _clip(stage: str, folder: Path, budget: Budget) -> None:
    from .training.clip import averaged_clip, shipped_teacher, train_clip
    from .training.export_teachers import export_clip

    start = shipped_teacher() if stage in AGAIN else None
    run = train_clip(folder / stage, folder / "pictures", _budget(budget, stage), start)
    export_clip(averaged_clip(run), run.step, stage)


def _vgg(folder: Path, budget: Budget) -> None:
    from .training.export_teachers import export_vgg
    from .training.vgg import averaged_vgg, train_vgg

    run = train_vgg(folder / "vgg", folder / "pictures", _budget(budget, "vgg"))
    export_vgg(averaged_vgg(run), run.step)


def _observer(folder: Path, budget: Budget) -> None:
    from .training.export_teachers import export_observer
    from .training.observer import averaged_observer, train_observer

    run = train_observer(folder / "observer", folder / "pictures", _budget(budget, "observer"))
    export_observer(averaged_observer(run), run.step)


def _folders(folder: Path, budget: Budget) -> None:
    from .training.export_teachers import clip_folder, picture_folder, vae_folder

    clip_folder(folder / "teacher_clip")
    vae_folder(folder / "vae")
    picture_folder(folder / "pictures", folder / "images")


def _student(student: str, folder: Path, budget: Budget) -> None:
    from ..tino_core.training.distil import distil
    from ..tino_core.training.options import read_options

    stage = f"latent_{student}"
    command = student_command(student, folder, _budget(budget, stage).steps or STEPS[stage])
    print("python -m elect_tino.tino_core.training", *command, flush=True)
    distil(read_options(command))


def student_command(student: str, folder: Path, steps: int) -> list[str]:
    """Arguments of the training script that make a student that ships."""
    from .model.shipped import WEIGHTS
    from .training.export import LICENCE

    teacher = {"clip": folder / "teacher_clip", "vgg": WEIGHTS / "teacher_vgg.safetensors"}
    trained = f"{steps} steps; python -m elect_tino.embedded.train_teachers latent_{student}"
    notes = {**LICENCE, "title": f"Embedded Latent{student.upper()}", "trained": trained}
    given = {
        "teacher": teacher[student],
        "vae": folder / "vae",
        "latent-space": "EmbeddedLatent",
        "images": folder / "images/train",
        "validation-images": folder / "images/val",
        "output": WEIGHTS / f"latent_{student}.safetensors",
        "run": folder / f"latent_{student}",
        "cache": folder / "cache",
        "resolution": 128,
        "batch": 64,
        "lr": 1e-3,
        "schedule": "cosine",
        "warmup": 50,
        "steps": steps,
        "validate-every": 100,
        "checkpoint-every": 100,
        "student-config": Path(__file__).parent / "training" / f"latent_{student}.json",
    }
    command = [student, "--half"]
    for name, value in given.items():
        command += [f"--{name}", str(value)]
    for name, text in notes.items():
        command += ["--note", f"{name}={text}"]
    return command


STAGES = {
    "pictures": _pictures,
    "clip": partial(_clip, "clip"),
    "clip_on": partial(_clip, "clip_on"),
    "vgg": _vgg,
    "observer": _observer,
    "folders": _folders,
    "latent_clip": partial(_student, "clip"),
    "latent_vgg": partial(_student, "vgg"),
}

AGAIN = ("clip_on",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["all", *STAGES], nargs="?", default="all")
    parser.add_argument("--minutes", type=float, help="end each training after so many minutes")
    parser.add_argument("--steps", type=int, help="end each training after so many steps")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="checkpoints and logs")
    arguments = parser.parse_args()
    budget = Budget(arguments.steps, arguments.minutes)
    for name, stage in STAGES.items():
        if arguments.stage == name or (arguments.stage == "all" and name not in AGAIN):
            stage(arguments.folder, budget)


if __name__ == "__main__":
    main()
