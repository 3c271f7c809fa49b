"""Pictures from a folder or WebDataset shards, in an order that can be taken up anywhere.

A source is a list of blocks (the folder, or a shard each); an epoch goes through all blocks, and
each block through its pictures, in an order drawn from the seed. So a position is three numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


def seed_of(*parts: object) -> int:
    """A seed that differs wherever any of the parts does."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")


@dataclass(frozen=True)
class Item:
    """A picture that was not read yet: its name, and its file or its bytes."""

    name: str
    data: Path | bytes


@dataclass(frozen=True)
class Position:
    """Where in the stream the next picture is."""

    epoch: int = 0
    block: int = 0
    offset: int = 0


class Source(Protocol):
    """Pictures in blocks, each of which is read at once."""

    @property
    def num_blocks(self) -> int: ...

    def items(self, block: int) -> list[Item]: ...


class FolderSource:
    """All pictures under a folder, one block."""

    num_blocks = 1

    def __init__(self, folder: Path):
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        self._items = [Item(p.relative_to(folder).as_posix(), p) for p in files]

    def items(self, block: int) -> list[Item]:
        return self._items


class ShardSource:
    """WebDataset shards, a block each; the shard being read is held in memory."""

    def __init__(self, urls: list[str]):
        self.urls = urls
        self.num_blocks = len(urls)

    def items(self, block: int) -> list[Item]:
        from webdataset.compat import WebDataset

        samples = WebDataset(
            [self.urls[block]], shardshuffle=False, nodesplitter=None, empty_check=False
        )
        found = []
        for sample in samples:
            for key, value in sample.items():
                if f".{key}".lower() in SUFFIXES:
                    found.append(Item(f"{sample['__key__']}.{key}", value))
        return found


def open_source(images: str, option: str) -> Source:
    """The folder, or the shards that the braces stand for; ValueError names the option."""
    if ".tar" in images:
        from braceexpand import braceexpand

        urls = list(braceexpand(images))
        missing = [u for u in urls if "://" not in u and ":" not in u and not Path(u).is_file()]
        if missing:
            raise ValueError(f"{option}: there is no shard {missing[0]}.")
        return ShardSource(urls)
    folder = Path(images)
    if not folder.is_dir():
        raise ValueError(f"{option}: there is no folder {images}.")
    source = FolderSource(folder)
    if not source.items(0):
        raise ValueError(f"{option}: there is no picture ({', '.join(SUFFIXES)}) in {images}.")
    return source


def held_out(name: str, share: float) -> bool:
    """Whether a picture is for validation: by its name, so that it is so in every run."""
    return seed_of("held out", name) < share * 2**56


class Stream:
    """The training pictures of one process, again and again."""

    def __init__(
        self, source: Source, keep: Callable[[str], bool], seed: int, process: int = 0,
        num_processes: int = 1, position: Position | None = None,
    ):  # fmt: skip
        self._source, self._keep, self._seed = source, keep, seed
        # Where there are too few blocks to go round, all processes share each.
        by_block = source.num_blocks >= num_processes
        self._blocks = range(process if by_block else 0, source.num_blocks,
                             num_processes if by_block else 1)  # fmt: skip
        self._share = slice(None) if by_block else slice(process, None, num_processes)
        self.position = position or Position()
        self._loaded: tuple[int, int] | None = None
        self._items: list[Item] = []

    def take(self, count: int) -> list[tuple[Item, int]]:
        """The next pictures, each with a seed for its crop; moves the position on."""
        taken: list[tuple[Item, int]] = []
        empty = 0
        while len(taken) < count:
            items, at = self._block(), self.position
            new = items[at.offset : at.offset + count - len(taken)]
            taken += [(item, seed_of(self._seed, at.epoch, item.name)) for item in new]
            empty = 0 if new else empty + 1
            if empty > 2 * len(self._blocks):
                raise ValueError("--images: no picture is left to train on.")
            self.position = self._after(at, len(new), len(items))
        return taken

    def _after(self, at: Position, count: int, size: int) -> Position:
        if at.offset + count < size:
            return Position(at.epoch, at.block, at.offset + count)
        if at.block + 1 < len(self._blocks):
            return Position(at.epoch, at.block + 1)
        return Position(at.epoch + 1)

    def _block(self) -> list[Item]:
        at = self.position
        if self._loaded != (at.epoch, at.block):
            number = self._blocks[self._shuffled(len(self._blocks), "blocks", at.epoch)[at.block]]
            items = [item for item in self._source.items(number) if self._keep(item.name)]
            order = self._shuffled(len(items), "items", at.epoch, number)
            self._items = [items[i] for i in order][self._share]
            self._loaded = (at.epoch, at.block)
        return self._items

    def _shuffled(self, count: int, *what: object) -> list[int]:
        generator = torch.Generator().manual_seed(seed_of(self._seed, *what))
        return torch.randperm(count, generator=generator).tolist()
