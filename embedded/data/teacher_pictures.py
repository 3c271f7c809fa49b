"""Pictures for the teachers: both sides of an edit and wrong answers to it, and what they show.

Some are not perfect. Rendered in chunks that stay on the disk, so that a kill costs one chunk.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...tensor_files import written_whole
from ..model.text import token_ids
from ..model.vae import TinyVAE, load_shipped_vae
from ..world.edits import caption
from ..world.objects import COLOURS, SHAPES, SIZE
from ..world.rivals import wrong_scenes
from ..world.samples import rng_for, sample
from ..world.scene import Scene, random_scene
from .pixels import to_bytes, to_floats

NAMES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
BACKGROUNDS = ("gradient", "stripes", "checks", "noise", "photo")
NUM_GROUPS, CHUNK = 4000, 250
WRONG_SHAPES, WRONG_COLOURS = 3, 1
_WRONG_STREAM = 7  # of random numbers, apart from those of the edits
GRID = 8  # cells a side; each is told which object its middle shows
NOTHING = len(NAMES)
_IMPERFECT_EVERY, _MOST_NOISE = 4, 0.7


@dataclass(frozen=True)
class Pictures:
    """P edits, each as G pictures: source, target, and wrong answers where there are any.

    pictures (P, G, 3, H, W) uint8; captions (P, G, L) token ids; shown (P, G, 37) 1 where the
    picture shows one of NAMES or BACKGROUNDS; cells (P, G, GRID, GRID) indices of NAMES or NOTHING
    """

    pictures: Tensor
    captions: Tensor
    shown: Tensor
    cells: Tensor

    def __len__(self) -> int:
        return len(self.pictures)

    def flat(self) -> Pictures:
        """All pictures in a row: (P G, ...) instead of (P, G, ...)."""
        return Pictures(*(getattr(self, f.name).flatten(0, 1) for f in fields(self)))

    def of(self, chosen: Tensor | slice) -> Pictures:
        """The chosen edits."""
        return Pictures(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def pairs(self) -> Pictures:
        """Source and target alone."""
        return Pictures(*(getattr(self, f.name)[:, :2] for f in fields(self)))


def shown_in(scene: Scene) -> np.ndarray:
    """1 for every name and background that the scene has, (37,) float32."""
    names = {item.name for item in scene.objects} | {scene.background_kind}
    return np.array([n in names for n in (*NAMES, *BACKGROUNDS)], dtype=np.float32)


def cells_of(scene: Scene) -> np.ndarray:
    """Which object the middle of each cell shows, (GRID, GRID) int64."""
    middles = (np.arange(GRID) + 0.5) * (SIZE / GRID)
    cells = np.full((GRID, GRID), NOTHING, dtype=np.int64)
    for item in scene.objects:
        distance = np.hypot(middles[None] - item.x, middles[:, None] - item.y)
        cells[distance < item.radius] = NAMES.index(item.name)
    return cells


@torch.no_grad()
def imperfect(vae: TinyVAE, pictures: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """Pictures (N, 3, H, W) uint8 as a model might return them: decoded from noisy latents."""
    latents = vae.encode(to_floats(pictures))
    latents += noise * torch.randn(latents.shape, generator=generator)
    return (vae.decode(latents) * 255).round().to(torch.uint8)


def render_pairs(split: str, first: int, count: int, wrong: bool = False) -> Pictures:
    """Edits first .. first + count - 1; every fourth is spoilt, alike in all its pictures.

    wrong: all other shapes and another colour of the edited object follow source and target
    """
    vae, rows = load_shipped_vae(), []
    for index in range(first, first + count):
        edit = sample(split, index)
        scenes = [edit.scene, edit.edit.apply(edit.scene)]
        if wrong:
            rng = np.random.default_rng([_WRONG_STREAM, index])
            scenes += wrong_scenes(rng, edit.scene, edit.edit, WRONG_SHAPES, WRONG_COLOURS)
        pictures = to_bytes(np.stack([scene.render() for scene in scenes]))
        if index % _IMPERFECT_EVERY == 0:
            generator = torch.Generator().manual_seed(index)
            noise = _MOST_NOISE * float(torch.rand(1, generator=generator))
            pictures = imperfect(vae, pictures, noise, generator)
        captions = torch.tensor([token_ids(caption(s)) for s in scenes])
        shown = torch.from_numpy(np.stack([shown_in(s) for s in scenes]))
        cells = torch.from_numpy(np.stack([cells_of(s) for s in scenes]))
        rows.append((pictures.contiguous(), captions, shown, cells))
    return Pictures(*(torch.stack(column) for column in zip(*rows, strict=True)))


def render_to(folder: Path, num_groups: int = NUM_GROUPS) -> None:
    """Writes the chunks of the training split that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, num_groups, CHUNK):
        path = folder / f"groups_{first:06d}.pt"
        if not path.exists():
            chunk = render_pairs("train", first, min(CHUNK, num_groups - first), wrong=True)
            with written_whole(path) as part:
                torch.save({f.name: getattr(chunk, f.name) for f in fields(chunk)}, part)
            print(f"rendered groups from {first}", flush=True)


def load_pictures(folder: Path) -> Pictures:
    """All chunks joined."""
    chunks = [torch.load(p, weights_only=True) for p in sorted(folder.glob("groups_*.pt"))]
    if not chunks:
        raise FileNotFoundError(f"no rendered groups in {folder}: run the pictures stage first")
    return Pictures(*(torch.cat([c[f.name] for c in chunks]) for f in fields(Pictures)))


def single_scenes(split: str, first: int, count: int) -> list[np.ndarray]:
    """Pictures (H, W, 3) in [0, 1] of scenes alone, for students that need no captions."""
    return [random_scene(rng_for(split, first + i), split).render() for i in range(count)]
