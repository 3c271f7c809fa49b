"""An election over a pool: each run's candidates under their own mask, ranked together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...elect_core.score import consensus
from .candidates import notes
from .choice import Chosen
from .pool import Pool
from .pool_candidates import in_words
from .relevance import image_size
from .score import Scored, judged, measured
from .selection import Selection
from .shown import KEPT, Shown, draw, identity
from .table import Row, as_table, facts, rows
from .types import Candidates


@dataclass(frozen=True)
class RunRow(Row):
    """A line of a pool's table: seed is the label, seed@run."""

    run: int


def pooled_election(pool: Pool, selection: Selection, estimates, relevance) -> Shown:
    """The election, held only where anything but the choice has changed."""
    objects, settings = identity(selection)
    made_of = (*(part.tape for part in pool.parts), estimates, relevance, *objects)
    settings = (pool.order, settings)
    return KEPT.get(made_of, settings, lambda: _held(pool, selection, estimates, relevance))


def own_masks(pool: Pool, relevance: Tensor | None) -> list[Tensor | None]:
    """Each run's relevance out of the masks of all, (P * T, H, W), or one mask for all."""
    number = len(pool.parts)
    if relevance is None or len(relevance) == 1:
        return [relevance] * number
    if len(relevance) % number:
        raise ValueError(
            f"relevance: expected one mask for each of {number} runs, or one for all, got "
            f"{len(relevance)}. Connect RelevanceMapAggregate of the same pool."
        )
    return list(relevance.chunk(number))


def _held(pool: Pool, selection: Selection, estimates, relevance) -> Shown:
    latents = pool.estimates() if estimates is None else estimates["samples"]
    if len(latents) != len(pool.seeds):
        raise ValueError(
            f"estimates: expected one for each of {len(pool.seeds)} candidates, got "
            f"{len(latents)}. Connect TweedieEstimate of the same pool."
        )
    found, masks, origins = [], [], []
    each = zip(pool.parts, pool.scatter(latents), own_masks(pool, relevance), strict=True)
    for part, own, map_of_run in each:
        origin = selection.find_source(part.run, own)
        mask = selection.region(part.run, map_of_run, own, origin)
        found.append(measured(part, own, mask, origin, selection))
        masks.append(mask)
        origins.append(origin)
    scored = _judged_together(pool, found, latents, origins[0], selection)
    mask = torch.stack([_sized(mask, pool.parts[0], selection) for mask in masks]).amax(0)
    model = pool.parts[0].run.model
    pictures = draw(model, latents, scored, mask, origins[0], selection)
    return Shown(replace(scored, images=None), latents, mask, _rows(pool, scored), pictures)


def _judged_together(pool: Pool, found: list, latents, origin, selection: Selection) -> Scored:
    """One ranking of what was measured run by run."""
    steps = min(len(one.history) for one in found)
    images = None
    if found[0].images is not None:
        frames = [one.images.unflatten(0, (len(one.scores), -1)) for one in found]
        images = pool.gather(frames).flatten(0, 1)
    scores = pool.gather([one.scores for one in found])
    if selection.criterion == "consensus":  # among all, not among those of one prompt
        scale = pool.parts[0].run.model.model.process_latent_in
        scores = consensus(scale(origin), scale(latents), torch.ones_like(origin[:, :1]))
    placements = None
    if found[0].placements is not None:
        placements = pool.gather([one.placements for one in found])
    together = replace(
        found[0],
        scores=scores,
        ranked=scores,
        outside=pool.gather([one.outside for one in found]),
        edits=pool.gather([one.edits for one in found]),
        weight=torch.cat([one.weight.flatten() for one in found]),
        steps_left=max(one.steps_left for one in found),
        history=torch.cat([one.history[-steps:] for one in found], 1),
        images=images,
        placements=placements,
    )
    return judged(together, selection)


def _sized(mask: Tensor, part: Candidates, selection: Selection) -> Tensor:
    """A mask (B, H, W) at the picture's size, as it is shown."""
    size = image_size(part.run, selection.source_image)
    return torch.nn.functional.interpolate(mask[:1, None].float(), size=size, mode="area")[:, 0]


def _rows(pool: Pool, scored: Scored) -> list[Row]:
    table = rows(pool, scored)
    return [
        RunRow(
            **{**vars(row), "seed": pool.labels[row.candidate - 1]},
            run=pool.order[row.candidate - 1] + 1,
        )
        for row in table
    ]


def pooled_ui(shown: Shown, pool: Pool, chosen: Chosen) -> dict:
    """What BISSelect shows of a pool."""
    said = [f"run {n}: {one}" for n, part in enumerate(pool.parts, 1) for one in notes(part)]
    lines = [as_table(shown.table, shown.scored), "seed@run", in_words(pool), *said]
    if chosen.gone:
        lines.append(f"pick_seeds: not among these candidates: {', '.join(chosen.gone)}")
    own = pool.parts[pool.order[chosen.first]]
    told = facts(replace(own, seeds=pool.seeds, cost=pool.cost), shown.scored, chosen)
    told |= {
        "seed_texts": list(pool.labels),
        "runs": [number + 1 for number in pool.order],
        "run_names": list(pool.names),
        "pictures": shown.pictures,
        "nfe_best_of_n": sum(len(p.seeds) * p.run.num_steps for p in pool.parts),
        "notes": [in_words(pool), *said],
        "tape_bytes": sum(part.tape.nbytes for part in pool.parts),
    }
    return {"elect": [told], "text": ["\n".join(lines)]}
