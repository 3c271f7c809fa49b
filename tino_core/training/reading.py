"""Reads pictures as tensors, the next batch while the last one is used."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from .pictures import Item, Position, Stream


def read_picture(item: Item, resolution: int, seed: int | None = None) -> Tensor:
    """The picture as (3, R, R) in [0, 1]: its shorter side resized, its middle cut out.

    seed: cut out any part and mirror every other instead.
    Raises ValueError that names a picture which cannot be read.
    """
    try:
        with Image.open(
            item.data if isinstance(item.data, Path) else io.BytesIO(item.data)
        ) as file:
            picture = file.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f"--images: {item.name} could not be read ({error}).") from error
    scale = resolution / min(picture.size)
    if scale != 1:
        width, height = (max(resolution, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    room = torch.tensor(pixels.shape[1:]) - resolution
    if seed is None:
        y, x = (room // 2).tolist()
        return pixels[:, y : y + resolution, x : x + resolution]
    chances = torch.rand(3, generator=torch.Generator().manual_seed(seed))
    y, x = (chances[:2] * (room + 1)).long().tolist()
    cut = pixels[:, y : y + resolution, x : x + resolution]
    return cut.flip(-1) if chances[2] < 0.5 else cut


class Batches:
    """Batches of a stream, the next one being read while the last one is used.

    position: where the stream is after the batch that was handed out last
    """

    def __init__(
        self, stream: Stream, size: int, read: Callable[[Item, int], tuple[Tensor, ...]],
        workers: int,
    ):  # fmt: skip
        self._stream, self._size, self._read = stream, size, read
        self._pool = ThreadPoolExecutor(workers)
        self.position = stream.position
        self._coming = self._ask()

    def _ask(self) -> tuple[Position, list[Future[tuple[Tensor, ...]]]]:
        taken = self._stream.take(self._size)
        futures = [self._pool.submit(self._read, item, seed) for item, seed in taken]
        return self._stream.position, futures

    def next(self) -> tuple[Tensor, ...]:
        """The next batch: what `read` gives, stacked."""
        self.position, futures = self._coming
        self._coming = self._ask()
        columns = zip(*(future.result() for future in futures), strict=True)
        return tuple(torch.stack(column) for column in columns)
