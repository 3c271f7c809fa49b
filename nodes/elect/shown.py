"""An election as it is shown: scored and drawn once, for whichever candidate is chosen later."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import Any

from torch import Tensor

from ...elect_core.diversity import diverse_order
from ...elect_core.selection import Ranking
from ..host.latents import crop_like_host, mask_like
from .candidates import notes
from .choice import Chosen
from .kept import Kept
from .pictures import latent_pictures, write_pictures, write_region
from .score import Scored, decode, score
from .selection import Selection
from .table import Row, as_table, facts, rows, write_csv
from .types import Candidates


@dataclass(frozen=True)
class Shown:
    """Everything about an election that no choice changes.

    latents (N, C, h, w): the scored estimates; mask (B, H, W): 1 = edited
    pictures: files in the temporary folder, see `draw`; written: CSV files by prefix
    """

    scored: Scored
    latents: Tensor
    mask: Tensor
    table: list[Row]
    pictures: dict[str, Any]
    written: dict[str, str] = field(default_factory=dict)

    def csv(self, prefix: str) -> str:
        """Path of the table's file, written where it is not there yet."""
        path = self.written.get(prefix)
        if path is None or not os.path.exists(path):
            path = self.written[prefix] = write_csv(self.table, prefix)
        return path

    def varied(self, number: int, diversity: float) -> Ranking:
        """The ranking with so many that are good and differ from each other before the rest."""
        ranking = self.scored.ranking
        if number < 2 or diversity == 0:
            return ranking
        weight = mask_like(self.mask, self.latents)
        scores = self.scored.scores
        order = diverse_order(ranking, scores, self.latents, weight, number, diversity)
        return replace(ranking, order=order)

    def as_ui(self, candidates: Candidates, chosen: Chosen) -> dict:
        """What a node shows: facts, the table as text, pictures."""
        lines = [as_table(self.table, self.scored), *notes(candidates)]
        if chosen.gone:
            gone = ", ".join(chosen.gone)
            lines.append(f"pick_seeds: not among these candidates: {gone}")
        told = {**facts(candidates, self.scored, chosen), "pictures": self.pictures}
        return {"elect": [told], "text": ["\n".join(lines)]}


KEPT: Kept[Shown] = Kept(most=4)


def hold_election(
    candidates: Candidates, latents: Tensor, mask: Tensor, source: Tensor, selection: Selection
) -> Shown:
    """Score and draw an election.

    latents (N, C, h, w), source (1, C, h, w): LATENT scale; mask (B, H, W): 1 = edited
    """
    scored = score(candidates, latents, mask, source, selection)
    pictures = draw(candidates.run.model, latents, scored, mask, source, selection)
    return Shown(replace(scored, images=None), latents, mask, rows(candidates, scored), pictures)


def identity(selection: Selection) -> tuple[tuple, tuple]:
    """The objects and the settings that decide an election, as Kept wants them."""
    values = {one.name: getattr(selection, one.name) for one in fields(selection)}
    settings = {name: v for name, v in values.items() if isinstance(v, str | int | float)}
    return tuple(v for name, v in values.items() if name not in settings), tuple(settings.items())


def draw(patcher, latents, scored, mask, source, selection) -> dict[str, Any]:
    """Every candidate's estimate in its order, the source and the edited region; {} for none.

    They are told among an election's facts: ComfyUI's lists of results count what has a key of
    its own in `ui`.
    """
    images = scored.images
    if images is None:
        images = latent_pictures(patcher, latents)
    if images is None:
        return {}
    frames = len(images) // len(latents)
    if selection.vae is None:
        origin = latent_pictures(patcher, source)
    elif selection.source_image is not None:
        height, width = images.shape[1:3]
        origin = crop_like_host(selection.source_image, height, width, "source_image")
    else:
        origin = decode(selection.vae, source)
    assert origin is not None
    return {
        "candidates": write_pictures(images[::frames], "candidate"),
        "source": write_pictures(origin[:1], "source")[0],
        "relevance": write_region(mask[0]),
    }
