"""MagicBrush, the folder form: <id>/<id>-input.png, -mask<k>.png, -output<k>.png, turn by turn.

Its test split comes in an archive that must not be passed on: a user's own folder is read. With it
stand edit_turns.json (id -> turns with input, mask, output, instruction) and local_captions.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .sample import Sample, read_mask, read_picture


def read(folder: Path) -> Iterator[Sample]:
    """Every turn, its source the true picture before it. Raises ValueError."""
    index = folder / "edit_turns.json"
    if not index.is_file():
        raise ValueError(f"{folder}: expected MagicBrush's edit_turns.json and images.")
    captions_file = folder / "local_captions.json"
    captions: dict[str, dict[str, str]] = {}
    if captions_file.is_file():
        captions = json.loads(captions_file.read_text(encoding="utf-8"))
    for number, turns in json.loads(index.read_text(encoding="utf-8")).items():
        pictures = folder / "images" / number
        for place, turn in enumerate(turns, start=1):
            source = read_picture(pictures / turn["input"])
            mask = pictures / turn["mask"]
            size = source.shape[:2]
            yield Sample(
                name=f"{number}_inde_{place}",
                source=source,
                instruction=turn["instruction"],
                mask=read_mask(mask, size, from_alpha=True) if mask.is_file() else None,
                target=read_picture(pictures / turn["output"]),
                target_caption=captions.get(number, {}).get(turn["output"], ""),
                group="final turn" if place == len(turns) else "earlier turn",
            )
