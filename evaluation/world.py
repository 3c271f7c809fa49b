"""The embedded world's test edits, whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..embedded.world.samples import sample
from .sample import Sample


def read(count: int) -> Iterator[Sample]:
    """The first `count` edits of the test split."""
    for index in range(count):
        one = sample("test", index)
        yield Sample(
            name=f"test_{index:05}",
            source=np.rint(one.source * 255).astype(np.uint8),
            instruction=one.instruction,
            mask=one.mask > 0,
            target=np.rint(one.target * 255).astype(np.uint8),
            source_caption=one.source_caption,
            target_caption=one.caption,
            group=one.kind,
        )
