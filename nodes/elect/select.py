"""BISSelect: rank the candidates by the change of the background, elect the best."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..menu import ELECT
from .candidates import MAX_CANDIDATES
from .choice import choose, pick_seeds_input
from .score import background_mask, estimate_batch, find_source, selection_inputs
from .shown import KEPT, Shown, hold_election
from .types import Candidates, ElectCandidates


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
                    tooltip="0 takes the best; any other number takes that candidate. pick_seeds, "
                    "which a click sets, goes before it.",
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
                pick_seeds_input(),
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
        pick_seeds="",
    ) -> io.NodeOutput:
        made_of = (candidates.tape, estimates, relevance, mask, source, source_image, vae)
        settings = (space, minimum_edit, align)
        shown = KEPT.find(made_of, settings) or KEPT.keep(
            made_of,
            settings,
            _elect(candidates, estimates, relevance, mask, source, source_image, vae, settings),
        )
        ranking = shown.scored.ranking
        choice = choose(ranking, candidates.seeds, pick, pick_seeds)
        told = shown.as_ui(candidates, choice)
        if csv_prefix:
            told["csv"] = [shown.csv(csv_prefix)]
        return io.NodeOutput(
            candidates.rows(choice.order(ranking, top_k)),
            candidates.seeds[choice.first],
            told["text"][0],
            {"samples": shown.latents[torch.tensor(ranking.order)]},
            ui=told,
        )


def _elect(
    candidates, estimates, relevance, mask, source, source_image, vae, settings: tuple
) -> Shown:
    latents = estimate_batch(candidates, estimates)
    where = background_mask(candidates.run, relevance, mask, source_image)
    origin = find_source(candidates.run, latents, source, source_image, vae)
    return hold_election(candidates, latents, where, origin, source_image, vae, settings)


NODES: list[type[io.ComfyNode]] = [BISSelect]
