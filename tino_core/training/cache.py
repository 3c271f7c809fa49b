"""Latents and features of a set of pictures, made once and kept on the disk where that is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ...tensor_files import write_tensor_file
from .options import Options
from .pictures import Item, seed_of
from .reading import read_picture
from .teachers import Teacher
from .vae import Encode

CHUNK = 64


@dataclass(frozen=True)
class Maker:
    """What turns pictures into pairs."""

    encode: Encode
    teacher: Teacher
    device: torch.device

    def pair(self, pictures: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Latents (B, C, h, w) and features (B, D) of pictures (B, 3, R, R) in [0, 1]."""
        pictures = pictures.to(self.device)
        return self.encode(pictures, seed), self.teacher.features(pictures)


def _joined(chunks: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    latents, features = zip(*chunks, strict=True)
    return torch.cat(latents), torch.cat(features)


def made_pairs(items: list[Item], make: Maker, options: Options) -> tuple[Tensor, Tensor]:
    """Latents (V, C, h, w) and features (V, D) of pictures, a few at a time."""
    chunks = []
    for number, start in enumerate(range(0, len(items), CHUNK)):
        pictures = _read(items[start : start + CHUNK], options)
        latents, features = make.pair(pictures, seed_of(options.seed, "kept", number))
        chunks.append((latents.cpu(), features.cpu()))
    return _joined(chunks)


def _read(items: list[Item], options: Options) -> Tensor:
    with ThreadPoolExecutor(options.workers) as pool:
        return torch.stack(list(pool.map(lambda i: read_picture(i, options.resolution), items)))


def kept_pairs(
    items: list[Item], make: Maker, options: Options, what: str
) -> tuple[Tensor, Tensor]:
    """Pairs from the cache, made where they are missing; a kill costs one chunk.

    Latents are kept apart from features, so that both students share them.
    """
    assert options.cache is not None
    options.cache.mkdir(parents=True, exist_ok=True)
    names = [item.name for item in items]
    basis = (options.vae, fingerprint(options.vae), options.resolution, options.seed, names)
    by_teacher = (options.student, options.teacher, fingerprint(options.teacher), *basis[2:])
    chunks = []
    for number, start in enumerate(range(0, len(items), CHUNK)):
        part = items[start : start + CHUNK]

        def latents(part: list[Item] = part, number: int = number) -> Tensor:
            seed = seed_of(options.seed, "kept", number)
            return make.encode(_read(part, options), seed)

        def features(part: list[Item] = part) -> Tensor:
            return make.teacher.features(_read(part, options).to(make.device))

        name = f"{what}_{number:05d}"
        chunks.append((
            _kept(options.cache / f"latents_{seed_of(basis):x}", name, latents),
            _kept(options.cache / f"features_{seed_of(by_teacher):x}", name, features),
        ))  # fmt: skip
    return _joined(chunks)


def _kept(folder: Path, name: str, make: Callable[[], Tensor]) -> Tensor:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        write_tensor_file(path, {"values": make().cpu().contiguous()}, {})
    return load_file(path)["values"]


def fingerprint(path: str) -> list[tuple[str, str]]:
    """Names and digests of a model's files: another model is never taken for it."""
    root = Path(path)
    files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
    return [(f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]
