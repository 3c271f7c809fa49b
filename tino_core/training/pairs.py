"""Latents with the features of the pictures they were made from.

Made on the way from pictures, or kept on the disk where a small set of pictures is gone through
many times and VAE and teacher would cost more than the student.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .cache import Maker, kept_pairs, made_pairs
from .options import Options
from .pictures import FolderSource, Item, Position, Source, Stream, held_out, open_source, seed_of
from .reading import Batches, read_picture


class LivePairs:
    """Pairs made from each batch of pictures as it comes."""

    def __init__(self, batches: Batches, make: Maker, seed: int, process: int):
        self._batches, self._make, self._seed, self._process = batches, make, seed, process

    @property
    def position(self) -> Position:
        return self._batches.position

    def next(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of a step; latents are drawn with a seed of their own at every step."""
        (pictures,) = self._batches.next()
        return self._make.pair(pictures, seed_of(self._seed, "latent", step, self._process))


class CachedPairs:
    """Pairs that were made before the first step."""

    def __init__(self, batches: Batches, device: torch.device):
        self._batches, self._device = batches, device

    @property
    def position(self) -> Position:
        return self._batches.position

    def next(self, step: int) -> tuple[Tensor, Tensor]:
        latents, features = self._batches.next()
        return latents.to(self._device), features.to(self._device)


Pairs = LivePairs | CachedPairs


def training_pairs(
    options: Options, make: Maker, process: int, num_processes: int, position: Position
) -> Pairs:
    """The training pairs of one process, from where the position says."""
    source = open_source(options.images, "--images")
    keep = _keep(options)
    _require_a_batch(options, source, keep, num_processes)
    stream = Stream(source, keep, options.seed, process, num_processes, position)
    if options.cache is None:

        def read(item: Item, seed: int) -> tuple[Tensor, ...]:
            return (read_picture(item, options.resolution, seed if options.augment else None),)

        batches = Batches(stream, options.batch, read, options.workers)
        return LivePairs(batches, make, options.seed, process)
    items = [item for item in source.items(0) if keep(item.name)]
    latents, features = kept_pairs(items, make, options, "train")
    row = {item.name: i for i, item in enumerate(items)}

    def look_up(item: Item, seed: int) -> tuple[Tensor, ...]:
        return latents[row[item.name]], features[row[item.name]]

    return CachedPairs(Batches(stream, options.batch, look_up, 1), make.device)


def _keep(options: Options) -> Callable[[str], bool]:
    share = 0.0 if options.validation_images else options.validation_share
    return lambda name: not held_out(name, share)


def _require_a_batch(
    options: Options, source: Source, keep: Callable[[str], bool], num_processes: int
) -> None:
    if not isinstance(source, FolderSource):
        if options.cache:
            raise ValueError("--cache: --images must be a folder, not shards.")
        return  # counting would read all shards
    count, wanted = sum(keep(i.name) for i in source.items(0)), options.batch * num_processes
    if count < wanted:
        raise ValueError(
            f"--images: {options.images} has {count} pictures to train on, one step takes "
            f"{wanted}. Give more, or a smaller --batch."
        )


def validation_items(options: Options) -> list[Item]:
    """Pictures that are never trained on: of their own source, or held out by name.

    Raises ValueError where there are none.
    """
    own = options.validation_images
    source = open_source(own or options.images, "--validation-images" if own else "--images")
    items = []
    for block in range(source.num_blocks):
        for item in source.items(block):
            if own or held_out(item.name, options.validation_share):
                items.append(item)
        if len(items) >= options.validation_count:
            break
    if not items:
        raise ValueError(
            f"--validation-share: {options.validation_share} of --images leaves no picture to "
            "validate on. Raise it, or give --validation-images."
        )
    return items[: options.validation_count]


def validation_pairs(options: Options, make: Maker) -> tuple[Tensor, Tensor]:
    """Latents (V, C, h, w) and features (V, D) of the validation pictures."""
    items = validation_items(options)
    if options.cache is not None:
        return kept_pairs(items, make, options, "validation")
    return made_pairs(items, make, options)
