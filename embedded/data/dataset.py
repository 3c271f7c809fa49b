"""Training edits as cached latents: scenes encoded once, read many times.

One scene gives its source and NUM_EDITS targets. Each pair is used in both directions, so the
model meets one picture with several instructions and must read them. Each edit has one spoilt
target beside the true one; how often it is met is a matter of the dose.
"""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...tensor_files import written_whole
from ..model.text import token_ids
from ..model.vae import TinyVAE, vae_of
from ..world.edits import Edit, caption, instruction, random_edit
from ..world.samples import edit_mask, rng_for
from ..world.scene import Scene, random_scene
from .pixels import to_bytes, to_floats
from .spoil import KINDS, spoilt

NUM_EDITS, NUM_PHRASES, CHUNK = 3, 3, 250


def _different_edits(rng: np.random.Generator, scene: Scene) -> list[Edit]:
    edits: list[Edit] = []
    while len(edits) < NUM_EDITS:
        edit = random_edit(rng, scene)
        if edit not in edits:
            edits.append(edit)
    return edits


def _phrases(rng: np.random.Generator, edit: Edit | None) -> list[list[int]]:
    """NUM_PHRASES wordings as token ids; all padding where there is no edit to say."""
    if edit is None:
        return [[0] * len(token_ids("")) for _ in range(NUM_PHRASES)]
    return [token_ids(instruction(rng, edit)) for _ in range(NUM_PHRASES)]


def _describe_scene(index: int) -> dict[str, np.ndarray]:
    rng = rng_for("train", index)
    scene = random_scene(rng, "train")
    edits = _different_edits(rng, scene)
    scenes = [scene, *(e.apply(scene) for e in edits)]
    wanted = [KINDS[(index * NUM_EDITS + e) % len(KINDS)] for e in range(NUM_EDITS)]
    spoils = [spoilt(rng, scene, e, "train", w) for e, w in zip(edits, wanted, strict=True)]
    forth_and_back = [(_phrases(rng, e), _phrases(rng, e.inverse())) for e in edits]
    return {
        "pictures": np.stack([s.render() for s in scenes]),
        "spoilt": np.stack([picture for _, picture in spoils]),
        "kinds": np.asarray([KINDS.index(kind) for kind, _ in spoils], dtype=np.int64),
        "masks": np.stack([edit_mask(e) for e in edits]),
        "instructions": np.asarray(forth_and_back, dtype=np.int64),
        "captions": np.asarray([token_ids(caption(s)) for s in scenes], dtype=np.int64),
    }


@torch.no_grad()
def encode_chunk(vae: TinyVAE, first: int, count: int) -> dict[str, Tensor]:
    """Scenes first .. first + count - 1 of the training split.

    latents (S, 1 + E, C, h, w) fp16, spoilt (S, E, C, h, w) fp16, kinds (S, E) indices of KINDS,
    masks (S, E, h, w) fp16 in [0, 1], instructions (S, E, 2, P, L), captions (S, 1 + E, L) int64.
    """
    rows = [_describe_scene(first + i) for i in range(count)]

    def encoded(key: str) -> Tensor:
        return torch.stack([vae.encode(to_floats(to_bytes(r[key]))).half() for r in rows])

    def stacked(key: str) -> Tensor:
        return torch.from_numpy(np.stack([r[key] for r in rows]))

    return {
        "latents": encoded("pictures"),
        "spoilt": encoded("spoilt"),
        "masks": F.avg_pool2d(stacked("masks"), 8).half(),
        **{key: stacked(key) for key in ("kinds", "instructions", "captions")},
    }


def _encode_missing(train_folder: Path, num_scenes: int, worker: int, step: int) -> None:
    """One worker's share of the chunks; one thread, so that workers never wait for another."""
    torch.set_num_threads(1)
    vae, folder = vae_of(train_folder), train_folder / "data"
    for first in range(worker * CHUNK, num_scenes, step * CHUNK):
        path = folder / f"edits_{first:06d}.pt"
        if not path.exists():
            with written_whole(path) as part:
                torch.save(encode_chunk(vae, first, min(CHUNK, num_scenes - first)), part)
            print(f"encoded scenes from {first}", flush=True)


def encode_dataset(train_folder: Path, num_scenes: int) -> None:
    """Writes the chunks of its `data` that are not there yet, one worker process a core."""
    (train_folder / "data").mkdir(parents=True, exist_ok=True)
    workers = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_encode_missing, args=(train_folder, num_scenes, w, workers))
        for w in range(workers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError("an encoding worker failed; run the data stage again to go on")


def load_dataset(folder: Path, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """All chunks joined along the scenes, on a device."""
    chunks = [torch.load(p, weights_only=True) for p in sorted(folder.glob("edits_*.pt"))]
    if not chunks:
        raise FileNotFoundError(f"no encoded scenes in {folder}: run the data stage first")
    return {key: torch.cat([c[key] for c in chunks]).to(device) for key in chunks[0]}
