"""One picture's share of the work, and what came of it."""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from .places import Places, key_of

FOLDER = "elect_batch"


class JobFailed(RuntimeError):
    """This job went wrong where it ran; another server may do better."""


class Unusable(RuntimeError):
    """This job cannot be handed to any server: a picture is missing, or is none."""


class ServerLost(RuntimeError):
    """The server does not answer, or has forgotten the job."""


@dataclass(frozen=True)
class Order:
    """A job as plain data: pictures by name, the prompt to queue, the node whose pictures count."""

    uploads: Mapping[str, bytes] = field(repr=False)
    prompt: dict[str, dict] = field(repr=False)
    result: str


@dataclass(frozen=True)
class Job:
    """A sample by a method: the workflow's places, pictures as files or bytes, and other values.

    Raises ValueError for names that cannot be file names below a folder.
    """

    sample: str
    method: str
    places: Places = field(repr=False)
    pictures: Mapping[str, Path | bytes] = field(default_factory=dict, repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        parts = (self.method, *self.sample.split("/"))
        if any(not part.strip(". ") or set(part) & set("/\\\0:") for part in parts):
            raise ValueError(
                f"{self.method}, {self.sample}: expected names that can be file names; a table "
                "gives them in a column `name`."
            )

    @cached_property
    def uploads(self) -> dict[str, bytes]:
        """Pictures by a name that says their content. Raises OSError, ValueError."""
        return {name: data for name, data in self._named.values()}

    @cached_property
    def _named(self) -> dict[str, tuple[str, bytes]]:
        return {place: named(picture) for place, picture in self.pictures.items()}

    @cached_property
    def prompt(self) -> dict[str, dict]:
        """The workflow filled in; what is uploaded lies in the server's temporary folder."""
        given = {place: f"{FOLDER}/{name} [temp]" for place, (name, _) in self._named.items()}
        return self.places.filled({**self.values, **given})

    @property
    def key(self) -> str:
        """Picture, instruction and settings as one word."""
        return key_of(self.prompt, self.places.result)

    @property
    def order(self) -> Order:
        """What a server needs of it. Raises Unusable."""
        try:
            return Order(self.uploads, self.to_queue(), self.places.result)
        except (OSError, ValueError) as error:
            raise Unusable(str(error)) from error

    def to_queue(self) -> dict[str, dict]:
        """The prompt, its result in one of 256 folders: each save lists the whole of a folder."""
        prompt = copy.deepcopy(self.prompt)
        inputs = prompt[self.places.result]["inputs"]
        if "filename_prefix" in inputs:
            inputs["filename_prefix"] = f"{FOLDER}/{self.key[:2]}/{self.key}"
        return prompt


@dataclass(frozen=True)
class Made:
    """The result's pictures as (suffix, bytes), what the run said of itself, and what it took."""

    pictures: tuple[tuple[str, bytes], ...] = field(repr=False)
    facts: dict[str, Any]
    seconds: float
    server: str


@dataclass(frozen=True)
class Failed:
    """Why a job is given up, and where it was tried."""

    why: str
    servers: tuple[str, ...]


def named(picture: Path | bytes) -> tuple[str, bytes]:
    """A picture file's bytes and a name of their content. Raises OSError, ValueError."""
    data = picture if isinstance(picture, bytes) else picture.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind = (image.format or "png").lower()
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        told = "the picture" if isinstance(picture, bytes) else picture
        why = "it is no picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ValueError(f"{told}: {why}.") from error
    return f"{hashlib.sha256(data).hexdigest()[:32]}.{kind}", data
