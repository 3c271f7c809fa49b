"""A training small enough for tests: pictures of one colour each, options, written losses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from elect_tino.tino_core.training.options import Options

NUM_PICTURES = 24
CLIP_SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "projection_dim": 8,
    "num_channels": 3,
    "image_size": 32,
    "patch_size": 8,
}
VGG_SIZES: dict[str, Any] = {
    "num_channels": 3,
    "num_classes": 5,
    "layers": [8, "M", 8],
    "pool": 2,
    "hidden": 8,
    "dropout": 0.5,
    "image_size": 32,
}


def save_pictures(folder: Path, count: int, seed: int) -> None:
    folder.mkdir(parents=True)
    colours = np.random.default_rng(seed).integers(0, 256, (count, 3), dtype=np.uint8)
    for number, colour in enumerate(colours):
        Image.fromarray(np.broadcast_to(colour, (40, 32, 3)).copy()).save(
            folder / f"{number:03d}.png"
        )


def options(world: Path, out: Path, **changes) -> Options:
    given: dict[str, Any] = {
        "student": "clip",
        "teacher": str(world / "clip"),
        "vae": str(world / "vae"),
        "latent_space": "SD15",
        "images": str(world / "images"),
        "output": out / "student.safetensors",
        "run": out / "run",
        "resolution": 32,
        "batch": 4,
        "lr": 1e-3,
        "steps": 6,
        "checkpoint_every": 3,
        "validate_every": 3,
        "validation_share": 0.3,
        "workers": 1,
    }
    return Options(**{**given, **changes})


def vgg(world: Path) -> dict:
    return {"student": "vgg", "teacher": str(world / "vgg.safetensors")}


def losses(run: Path, name: str = "loss") -> list[float]:
    return [json.loads(line)["loss"] for line in (run / f"{name}.jsonl").read_text().splitlines()]
