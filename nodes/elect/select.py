"""BISSelect: rank the candidates by the change of the background, elect the best."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ...elect_core.selection import Ranking
from ..menu import ELECT
from .candidates import MAX_CANDIDATES
from .score import background_mask, estimate_batch, find_source, score, selection_inputs
from .table import as_ui, rows, write_csv
from .types import Candidates, ElectCandidates


def choose(ranking: Ranking, pick: int, num_candidates: int) -> int:
    """Index of the candidate to go on with: the elected one (pick 0) or the one picked."""
    if not 0 <= pick <= num_candidates:
        raise ValueError(
            f"pick: expected 0 for automatic or a candidate from 1 to {num_candidates}, got {pick}."
        )
    return ranking.elected if pick == 0 else pick - 1


class BISSelect(io.ComfyNode):
    """Elects the candidate whose background changed least, and shows how all of them scored."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="BISSelect",
            display_name="BIS Select (ELECT)",
            category=ELECT,
            description="Scores how much each candidate changes the background (BIS, lower is "
            "better) and puts the best one first. Changing pick runs no candidate again.",
            is_output_node=True,
            inputs=[
                ElectCandidates.Input("candidates"),
                io.Latent.Input(
                    "estimates",
                    optional=True,
                    tooltip="From TweedieEstimate; the candidates' last step where left out.",
                ),
                io.Mask.Input(
                    "relevance",
                    optional=True,
                    tooltip="From RelevanceMapAggregate: 1 = edited, 0 = background.",
                ),
                *selection_inputs(),
                io.Int.Input(
                    "pick",
                    default=0,
                    min=0,
                    max=MAX_CANDIDATES,
                    tooltip="0 takes the best; any other number takes that candidate.",
                ),
                io.Int.Input(
                    "top_k",
                    default=1,
                    min=1,
                    max=MAX_CANDIDATES,
                    tooltip="How many candidates to pass on, the picked one first, then by rank.",
                ),
                io.String.Input(
                    "csv_prefix",
                    default="elect/scores",
                    tooltip="Where the score table is saved below the output folder; empty saves "
                    "none.",
                ),
            ],
            outputs=[
                ElectCandidates.Output(display_name="elected"),
                io.Int.Output(display_name="seed"),
                io.String.Output(display_name="table"),
                io.Latent.Output(display_name="ranked estimates"),
            ],
        )

    @classmethod
    def execute(
        cls,
        candidates: Candidates,
        space,
        minimum_edit,
        pick,
        top_k,
        csv_prefix,
        estimates=None,
        relevance=None,
        mask=None,
        source=None,
        source_image=None,
        vae=None,
        align=False,
    ) -> io.NodeOutput:
        latents = estimate_batch(candidates, estimates)
        where = background_mask(candidates.run, relevance, mask, source_image)
        origin = find_source(candidates.run, latents, source, source_image, vae)
        scored = score(candidates, latents, where, origin, space, vae, minimum_edit, align)
        picked = choose(scored.ranking, pick, len(candidates.seeds))
        order = [picked, *(i for i in scored.ranking.order if i != picked)]
        table = rows(candidates, scored)
        shown = {"csv": [write_csv(table, csv_prefix)]} if csv_prefix else {}
        shown |= as_ui(cls, candidates, latents, scored, picked)
        return io.NodeOutput(
            candidates.rows(order[:top_k]),
            candidates.seeds[picked],
            shown["text"][0],
            {"samples": latents[torch.tensor(scored.ranking.order)]},
            ui=shown,
        )


NODES: list[type[io.ComfyNode]] = [BISSelect]
