"""Pictures by method: what costs nothing to do, and folders of others' results.

"no edit" and "paste back" stand in every table: doing nothing beats every editor on the background
columns, and pasting the source back outside the mask buys most of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy import ndarray

from .pixels import fitted
from .sample import Sample, read_picture

Method = Callable[[Sample], ndarray | None]
"""The result for a sample; None where there is none."""
NO_EDIT, PASTED = "no edit", ", pasted back"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def no_edit(sample: Sample) -> ndarray:
    """The source itself."""
    return sample.source


def imported(folder: Path, later: bool = False) -> Method:
    """Pictures of a folder by the sample's name.

    later: the folder need not be there yet; else raises ValueError where it is not
    """
    if not later and not folder.is_dir():
        raise ValueError(f"--import: there is no folder {folder}.")

    def find(sample: Sample) -> ndarray | None:
        for name in (sample.name, *sample.other_names):
            for suffix in SUFFIXES:
                path = folder / f"{name}{suffix}"
                if path.is_file():
                    return read_picture(path)
        return None

    return find


def pasted_back(method: Method) -> Method:
    """The method's result with the source pasted back outside the mask."""

    def made(sample: Sample) -> ndarray | None:
        result = method(sample)
        if result is None or sample.mask is None:
            return None
        return np.where(sample.mask[..., None], fitted(result, sample.source), sample.source)

    return made
