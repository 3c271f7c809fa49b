"""BISSelect: rank the candidates by the change of the background, elect the best."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from comfy_api.latest import io

from ..inputs import given, inputs, takes_records
from ..menu import ELECT
from .both_masks import LEFT_OUT, leaves_out, say_early
from .choice import check_pick, check_pick_seeds, choose, pick_seeds_input
from .foreseen import foreseen
from .inscribed import HIDDEN, inscribe
from .judged import judged_inputs, with_judge
from .kept_scores import with_scores
from .pool import Pool
from .pooled import pooled_election, pooled_ui
from .queued import NOT_CONNECTED, refusal
from .sampling import MAX_CANDIDATES
from .selection import NO_MASK, Selection, check_space, estimate_batch
from .shown import KEPT, Shown, hold_election, identity
from .table import check_csv_prefix
from .types import Candidates, ElectCandidates


@dataclass(frozen=True)
class Choice:
    """The inputs that say which candidates go on, and where the table is saved."""

    pick: int = given(
        io.Int,
        default=0,
        min=0,
        max=MAX_CANDIDATES,
        tooltip="0 takes the best; any other number takes that candidate, counted from 1. "
        "pick_seeds, which a click sets, goes before it.",
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


LATE = ("candidates", "estimates", "relevance", "judged")
"""Inputs that are made by sampling: ComfyUI asks for them once all others are found good."""


def check_early(given: dict[str, Any]) -> None:
    """Raise ValueError for what is wrong whatever the candidates are; given: inputs by name."""
    check_pick_seeds(given.get("pick_seeds", ""))
    check_csv_prefix(given.get("csv_prefix", ""))
    known = {one.name: given[one.name] for one in fields(Selection) if one.name in given}
    selection = Selection(**known)
    selection.check_alone()
    if selection.needs_relevance() and "relevance" not in given:
        raise ValueError(NO_MASK)


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
            hidden=list(HIDDEN),
            inputs=[
                ElectCandidates.Input("candidates", lazy=True),
                io.Latent.Input(
                    "estimates",
                    optional=True,
                    lazy=True,
                    tooltip="From TweedieEstimate; the candidates' last step where left out.",
                ),
                io.Mask.Input(
                    "relevance",
                    optional=True,
                    lazy=True,
                    tooltip="From RelevanceMapAggregate: 1 = edited, 0 = background.",
                ),
                *inputs(Selection),
                *inputs(Choice),
                pick_seeds_input(),
                *judged_inputs(),
                io.Float.Input(
                    "diversity",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="Of a top_k, how much the others should differ from those before them "
                    "where the edit is, rather than be the next best: 0 is by rank alone.",
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
    def check_lazy_status(cls, **given) -> list[str]:
        """Refuse before a candidate is run what can be refused then."""
        if given.get("candidates") is None:
            check_early(given)
            hidden = cls.hidden
            number = foreseen(hidden.prompt, hidden.unique_id) if hidden else None
            if number is not None and not given.get("pick_seeds"):
                check_pick(given.get("pick", 0), number)
        wanted = [name for name in LATE if name in given]
        if not leaves_out(given, cls.hidden):
            return wanted
        if given.get("candidates") is None:
            say_early(cls.hidden)
        return [name for name in wanted if name != "relevance"]

    @classmethod
    def validate_inputs(
        cls, csv_prefix=None, pick_seeds=None, space=None, vae=NOT_CONNECTED
    ) -> bool | str:
        return refusal(
            lambda: check_csv_prefix(csv_prefix or ""),
            lambda: check_pick_seeds(pick_seeds or ""),
            lambda: check_space(space, vae is not NOT_CONNECTED),
        )

    @classmethod
    @takes_records()
    def execute(
        cls,
        candidates: Candidates | Pool,
        selection: Selection,
        choice: Choice,
        estimates=None,
        relevance=None,
        pick_seeds="",
        judged=None,
        judge_weight=0.5,
        diversity=0.0,
    ) -> io.NodeOutput:
        check_early({"pick_seeds": pick_seeds, "csv_prefix": choice.csv_prefix, "relevance": None})
        if not pick_seeds:
            check_pick(choice.pick, len(candidates.seeds))
        if isinstance(candidates, Pool):
            shown = pooled_election(candidates, selection, estimates, relevance)
            shown = with_judge(shown, judged, judge_weight)
            chosen = choose(shown.scored.ranking, candidates.labels, choice.pick, pick_seeds)
            told = pooled_ui(shown, candidates, chosen)
        else:
            shown = _shown(candidates, selection, estimates, relevance)
            shown = with_judge(shown, judged, judge_weight)
            chosen = choose(shown.scored.ranking, candidates.seeds, choice.pick, pick_seeds)
            told = shown.as_ui(candidates, chosen)
        ranking = shown.scored.ranking
        if leaves_out({"mask": selection.mask, "relevance": relevance}, cls.hidden):
            told["elect"][0]["warnings"].append(LEFT_OUT)
        if choice.csv_prefix:
            told["csv"] = [shown.csv(choice.csv_prefix)]
        going = chosen.order(shown.varied(choice.top_k, diversity), choice.top_k)
        inscribe(cls, told["elect"][0], going)
        elected = candidates.rows(going)
        if isinstance(elected, Candidates):
            elected = with_scores(elected, going, shown.table, selection.criterion)
        return io.NodeOutput(
            elected,
            candidates.seeds[chosen.first],
            told["text"][0],
            {"samples": shown.latents[torch.tensor(ranking.order)]},
            ui=told,
        )


def _shown(candidates: Candidates, selection: Selection, estimates, relevance) -> Shown:
    """The election, held only where anything but the choice has changed."""
    objects, settings = identity(selection)
    made_of = (candidates.tape, estimates, relevance, *objects)
    return KEPT.get(made_of, settings, lambda: _held(candidates, selection, estimates, relevance))


def _held(candidates: Candidates, selection: Selection, estimates, relevance) -> Shown:
    latents = estimate_batch(candidates, estimates)
    origin = selection.find_source(candidates.run, latents)
    where = selection.region(candidates.run, relevance, latents, origin)
    return hold_election(candidates, latents, where, origin, selection)


NODES: list[type[io.ComfyNode]] = [BISSelect]
