"""BISSelect: rank the candidates by the change of the background, elect the best."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from comfy_api.latest import io

from ...elect_core.selection import Ranking
from ..inputs import given, inputs, takes_records
from ..menu import ELECT
from .sampling import MAX_CANDIDATES
from .score import score
from .selection import Selection, estimate_batch
from .table import as_ui, rows, write_csv
from .types import Candidates, ElectCandidates


@dataclass(frozen=True)
class Choice:
    """The inputs that say which candidates go on, and where the table is saved."""

    pick: int = given(
        io.Int,
        default=0,
        min=0,
        max=MAX_CANDIDATES,
        tooltip="0 takes the best; any other number takes that candidate.",
    )
    top_k: int = given(
        io.Int,
        default=1,
        min=1,
        max=MAX_CANDIDATES,
        tooltip="How many candidates to pass on, the picked one first, then by rank.",
    )
    csv_prefix: str = given(
        io.String,
        default="elect/scores",
        tooltip="Where the score table is saved below the output folder; empty saves none.",
    )


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
                *inputs(Selection),
                *inputs(Choice),
            ],
            outputs=[
                ElectCandidates.Output(display_name="elected"),
                io.Int.Output(display_name="seed"),
                io.String.Output(display_name="table"),
                io.Latent.Output(display_name="ranked estimates"),
            ],
        )

    @classmethod
    @takes_records()
    def execute(
        cls,
        candidates: Candidates,
        selection: Selection,
        choice: Choice,
        estimates=None,
        relevance=None,
    ) -> io.NodeOutput:
        latents = estimate_batch(candidates, estimates)
        origin = selection.find_source(candidates.run, latents)
        where = selection.region(candidates.run, relevance, latents, origin)
        scored = score(candidates, latents, where, origin, selection)
        picked = choose(scored.ranking, choice.pick, len(candidates.seeds))
        order = [picked, *(i for i in scored.ranking.order if i != picked)]
        table = rows(candidates, scored)
        shown = {"csv": [write_csv(table, choice.csv_prefix)]} if choice.csv_prefix else {}
        shown |= as_ui(cls, candidates, latents, scored, picked)
        return io.NodeOutput(
            candidates.rows(order[: choice.top_k]),
            candidates.seeds[picked],
            shown["text"][0],
            {"samples": latents[torch.tensor(scored.ranking.order)]},
            ui=shown,
        )


NODES: list[type[io.ComfyNode]] = [BISSelect]
