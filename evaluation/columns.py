"""Columns that need a model: those whose weights are there, and a word on those that are not.

Weights lie in one folder, as their Hub copies store them, and nothing is ever downloaded:

clip-vit-large-patch14   CLIP whole, CLIP edited (PIE-Bench), from openai/clip-vit-large-patch14
clip-vit-base-patch32    CLIP-I, CLIP-T (MagicBrush, TiNO-Edit), from openai/clip-vit-base-patch32
dino-vitb8               structure distance (PIE-Bench), from facebook/dino-vitb8
dino-vits16              DINO (MagicBrush, TiNO-Edit), from facebook/dino-vits16
squeezenet1_1-b8a52dc0.pth   LPIPS (PIE-Bench), torchvision's; the heads come with torchmetrics
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

from numpy import ndarray

from .sample import Sample

Column = Callable[[Sample, ndarray], float]
"""A sample's result as a number; NaN where the sample gives none."""


def _pie_clip(path: Path) -> dict[str, Column]:
    from .clip_columns import Clip

    clip = Clip(path)
    return {"CLIP whole": clip.whole, "CLIP edited": clip.edited}


def _magicbrush_clip(path: Path) -> dict[str, Column]:
    from .clip_columns import Clip

    clip = Clip(path)
    guided = {"CLIP-I source": clip.to_source, "CLIP-I reference": clip.to_reference}
    return {"CLIP-I": clip.to_target, "CLIP-T": clip.to_caption, **guided}


def _structure(path: Path) -> dict[str, Column]:
    from .dino_columns import Dino

    return {"structure x10^3": Dino(path).structure}


def _dino(path: Path) -> dict[str, Column]:
    from .dino_columns import Dino

    dino = Dino(path)
    return {"DINO": dino.to_target, "DINO source": dino.to_source}


def _lpips(path: Path) -> dict[str, Column]:
    from .lpips_column import Lpips

    return {"LPIPS x10^3": Lpips(path)}


MADE: dict[str, tuple[str, Callable[[Path], dict[str, Column]]]] = {
    "dino-vitb8": ("structure distance", _structure),
    "squeezenet1_1-b8a52dc0.pth": ("LPIPS", _lpips),
    "clip-vit-large-patch14": ("CLIP whole, CLIP edited", _pie_clip),
    "clip-vit-base-patch32": ("CLIP-I, CLIP-T", _magicbrush_clip),
    "dino-vits16": ("DINO", _dino),
}


def of_weights(folder: Path | None) -> tuple[dict[str, Column], list[str]]:
    """The columns whose weights a folder has, and a line for each that is left out.

    Raises ValueError where the folder is not there, or weights cannot be read.
    """
    if folder is not None and not folder.is_dir():
        raise ValueError(f"--weights: there is no folder {folder}.")
    columns: dict[str, Column] = {}
    said = []
    for name, (what, make) in MADE.items():
        path = (folder or Path()) / name
        if folder is None or not path.exists():
            said.append(f"{what}: left out, no {name} in --weights")
            continue
        try:
            columns |= make(path)
        except ImportError as error:
            said.append(f"{what}: left out, {error.name} is not installed")
        except (OSError, ValueError, KeyError, RuntimeError, UnpicklingError) as error:
            # The first sentence: torch's next one is how to run what the file would run.
            first = re.split(r"\n|\. ", str(error).strip())[0] or type(error).__name__
            raise ValueError(f"{path}: these weights cannot be read ({first}).") from error
    return columns, said
