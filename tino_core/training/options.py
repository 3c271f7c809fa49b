"""What a run is asked for, and the command line that asks."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

STUDENTS = ("clip", "vgg")
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("no", "fp16", "bf16")

MAY_CHANGE = {
    "run", "output", "checkpoint_every", "validate_every", "workers", "cache", "note", "half",
    "texts",
}  # fmt: skip
"""Fields that leave the loss curve alone: a resumed run may have others."""


@dataclass(frozen=True)
class Options:
    """A run; what each field means is said in the parser's help."""

    student: str
    teacher: str
    vae: str
    latent_space: str
    images: str
    output: Path
    run: Path
    resolution: int = 512
    batch: int = 16
    lr: float = 1e-5
    schedule: str = "constant"
    warmup: int = 0
    weight_decay: float = 0.01
    steps: int = 100_000
    seed: int = 0
    augment: bool = False
    from_scratch: bool = False
    student_config: Path | None = None
    vae_config: str | None = None
    validation_images: str | None = None
    validation_share: float = 0.02
    validation_count: int = 512
    validate_every: int = 1000
    checkpoint_every: int = 1000
    precision: str = "no"
    workers: int = 4
    cache: Path | None = None
    half: bool = False
    texts: bool = False
    note: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("resolution", "batch", "validation_count", "validate_every",
                     "checkpoint_every", "workers"):  # fmt: skip
            if getattr(self, name) < 1:
                raise ValueError(f"{flag(name)}: expected 1 or more, got {getattr(self, name)}.")
        if self.steps < 0 or self.lr <= 0:
            raise ValueError("--steps must be 0 or more and --lr above 0.")
        if not 0 <= self.validation_share < 1:
            raise ValueError(
                f"--validation-share: expected 0 up to below 1, got {self.validation_share}."
            )
        if self.texts and self.student != "clip":
            raise ValueError("--texts: only a teacher of the student clip reads texts.")
        if self.cache and self.augment:
            raise ValueError("--cache keeps one latent a picture: leave --augment out.")
        if wrong := [text for text in self.note if "=" not in text]:
            raise ValueError(f"--note: expected NAME=TEXT, got {wrong[0]!r}.")

    @property
    def notes(self) -> dict[str, str]:
        """The notes as metadata."""
        return dict(text.split("=", 1) for text in self.note)

    def lasting(self, num_processes: int) -> dict[str, object]:
        """What decides the loss curve, as JSON values."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in MAY_CHANGE}
        if self.schedule == "constant":
            del kept["steps"]  # a longer run starts with the same curve
        kept = {k: str(v) if isinstance(v, Path) else v for k, v in kept.items()}
        return {**kept, "processes": num_processes}


def flag(name: str) -> str:
    """The command line's name of a field."""
    return "--" + name.replace("_", "-")


def parser() -> argparse.ArgumentParser:
    """The command line of a training: every option with its default and its words."""
    default = {f.name: f.default for f in fields(Options)}
    result = argparse.ArgumentParser(
        prog="python -m elect_tino.tino_core.training",
        description="Trains LatentCLIP (clip) or LatentVGG (vgg) of TiNO-Edit: the student sees "
        "latents, the teacher the pictures they were made from. Run it again with the same --run "
        "to go on after a kill. Several GPUs or machines: accelerate launch -m ... "
        "How good a LatentCLIP is: --evaluate FILE (see its --help). What recipes cost: --cost.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def add(name: str, help: str, **more: Any) -> None:
        if default[name] is False:
            more["action"] = "store_true"
        else:
            more = {"default": default[name], "type": type(default[name]), **more}
        result.add_argument(flag(name), dest=name, help=help, **more)

    result.add_argument(
        "student", choices=STUDENTS, help="clip: 1 - cosine of features; vgg: L1 of outputs"
    )
    for name, text, kind in (
        ("teacher", "clip: folder or hub name of a CLIPModel or CLIPVisionModelWithProjection; "
         "vgg: state-dict file of torchvision's VGG-16, or a LatentVGG file with 3 channels", str),
        ("vae", "diffusers folder or hub name of an AutoencoderKL, AutoencoderTiny, "
         "AutoencoderKLQwenImage or AutoencoderKLWan (or of a pipeline with one), or a single file "
         "of an AutoencoderKL", str),
        ("latent_space", "name of the VAE's latents for the metadata: the class name of ComfyUI's "
         "latent format, such as SD15 or SDXL", str),
        ("images", "folder, searched with its subfolders, or WebDataset shards: paths or "
         "addresses of .tar files with {000..123} in them", str),
        ("output", "safetensors file to write", Path),
        ("run", "folder of checkpoints, losses and TensorBoard logs", Path),
    ):  # fmt: skip
        result.add_argument(flag(name), dest=name, required=True, type=kind, help=text)
    add("resolution", "pixels a side that pictures are resized and cropped to")
    add("batch", "pictures a step and process")
    add("lr", "learning rate of AdamW")
    add("schedule", "of the learning rate", choices=SCHEDULES, type=str)
    add("warmup", "steps of linear warm-up")
    add("weight_decay", "of AdamW")
    add("steps", "steps in all")
    add("seed", "of order, crops, latents and first weights")
    add("augment", "random crops and mirroring")
    add("from_scratch", "do not start from the teacher's weights where their shapes fit")
    add("student_config", "JSON file with sizes of the student that differ", type=Path)
    add("vae_config", "diffusers folder or hub name with the config of a single-file VAE", type=str)
    add("validation_images", "folder or shards of their own to validate on", type=str)
    add("validation_share", "else this share of --images, chosen by name, is never trained on")
    add("validation_count", "validate on at most so many pictures")
    add("validate_every", "steps")
    add("checkpoint_every", "steps")
    add("precision", "mixed precision of the student", choices=PRECISIONS, type=str)
    add("workers", "threads that read pictures")
    add("cache", "folder to keep latents and features in: for small sets of images", type=Path)
    add("half", "store float16 weights")
    add("texts", "clip: store the teacher's text tower too, for losses that aim at a text")
    result.add_argument(
        "--note", action="append", default=[], metavar="NAME=TEXT", help="more metadata; repeatable"
    )
    return result


def read_options(arguments: list[str] | None = None) -> Options:
    """The command line as Options; leaves with a message where it makes no sense."""
    own = parser()
    values: dict[str, Any] = vars(own.parse_args(arguments))
    values["note"] = tuple(values["note"])
    try:
        return Options(**values)
    except ValueError as error:
        own.error(str(error))
