"""What the contest runs, with settings and loss; `Variant.name` names the kept files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ...nodes.tino.kinds import CHOSEN
from .chord_edit import by_chord_edit
from .contest_methods import first_only, seeds, updates
from .flow_edit import by_flow_edit
from .methods import bld, nothing_done, sdedit, truth
from .setups import LOSSES, OUR_NUMBERS, OURS, PAPERS, Setup
from .variants import Variant

NUM_SEEDS, NUM_MORE = 16, 34
"""First noises of every edit; and those that make it fifty."""
MARKS, FEW_MARKS = (10, 30, 50), (10, 30)
GUIDED = replace(PAPERS, cfg=3.0)
INVERTED = replace(LOSSES["towards"], inverted=True)
OF_FOUR_STEPS = replace(PAPERS, model="drawing_4")
TRIED = replace(OURS, tried=("seeds", "ours", NUM_SEEDS))
OF_LOSS = {"paper": {}, "eq4": {}, "towards": OUR_NUMBERS, "directional": OUR_NUMBERS}
OF_LOSS["ours"] = OUR_NUMBERS
"""What each loss is updated with: the paper's rates for the paper's, ours for ours."""
SELDOM = ("eq4", "directional")
"""Losses whose updates run on fewer edits: each is near to one that runs on all."""
LOSS_ONLY = {
    "through_model": False,
    "lr_timesteps": 0.0,
    "lr_noise": CHOSEN["loss_only_rate"],
    "keep_norm": True,
}
"""FlowOpt's way, with the rate chosen on the validation split (`bench tino validate`)."""
FEW = {
    "drawing_4": (181.64, 454.09, 726.55, 999.0),
    "drawing_2": (333.0, 999.0),
    "drawing_1": (999.0,),
}
"""The timesteps that each model of few steps was distilled at (embedded/training/distil.py)."""


def row(name: str, title: str, method, settings=None, setup: Setup = PAPERS) -> Variant:
    """A variant that CLIP, the loss of most, does not judge."""
    return Variant(name, title, method, settings or {}, setup, clip=False)


def few_step(model: str) -> list[Variant]:
    """Seeds, updates, and updates from the elected seed, of a model of few steps."""
    levels = FEW[model]
    numbers = {"num_steps": len(levels), "timesteps": levels}
    ours, steps = {**OUR_NUMBERS, **numbers}, len(levels)
    tried = replace(TRIED, model=model, tried=(f"few-{steps}", "ours", NUM_SEEDS))
    return [
        row(
            f"few-{steps}",
            f"model of {steps} steps: seeds",
            partial(seeds, 0, NUM_SEEDS),
            numbers,
            replace(PAPERS, model=model),
        ),
        row(
            f"few-{steps}-ours",
            f"model of {steps} steps: updates",
            partial(updates, FEW_MARKS),
            ours,
            replace(OURS, model=model),
        ),
        row(
            f"few-{steps}-tried",
            f"model of {steps} steps: 16 tries, then 10 updates",
            partial(updates, (10,)),
            ours,
            tried,
        ),
    ]


def by_loss(name: str) -> Variant:
    """Updates by a loss."""
    title, method = f"updates by {name}", partial(updates, MARKS)
    return row(f"updates-{name}", title, method, OF_LOSS[name], LOSSES[name])


SEEDS = row("seeds", "first noises", partial(seeds, 0, NUM_SEEDS))
TRIED_THEN_UPDATED = row(
    "tried", "16 tries, then updates", partial(updates, (10,)), OUR_NUMBERS, TRIED
)
MORE = row("more-seeds", "further first noises", partial(seeds, NUM_SEEDS, NUM_MORE))
CONTEST = (
    row("c-given", "nothing done", nothing_done),
    row("c-truth", "the truth", truth),
    row("c-sdedit", "SDEdit 0.75", sdedit),
    row("c-bld", "BLD 0.75", bld),
    row("flow-edit", "FlowEdit", by_flow_edit),
    row("flow-edit-3", "FlowEdit at guidance 3", by_flow_edit, setup=GUIDED),
    row("chord-edit", "ChordEdit", by_chord_edit),
    row("chord-edit-4", "ChordEdit, 4-step model", by_chord_edit, None, OF_FOUR_STEPS),
    SEEDS,
    row("seeds-3", "first noises at guidance 3", partial(seeds, 0, NUM_SEEDS), setup=GUIDED),
    *(by_loss(name) for name in OF_LOSS if name not in SELDOM),
    TRIED_THEN_UPDATED,
    row("inverted", "the source's own noise", first_only, setup=INVERTED),
    row(
        "loss-only", "through the loss only", partial(updates, MARKS), LOSS_ONLY, LOSSES["towards"]
    ),
    row(
        "loss-only-inverted",
        "through the loss only, from the source's own noise",
        partial(updates, MARKS),
        LOSS_ONLY,
        INVERTED,
    ),
    row(
        "bound",
        "the true error as loss",
        partial(updates, (10,)),
        {**OUR_NUMBERS, "lr_noise": 0.05},
        Setup(truth=True),
    ),
    *(variant for model in FEW for variant in few_step(model)),
    row(
        "handed",
        "the one-step model's elected noise, given to the many-step one",
        first_only,
        setup=replace(TRIED, tried=("few-1", "ours", NUM_SEEDS)),
    ),
    MORE,
)
"""Every loss, updates against tries, at equal guidance and steps."""
SIDE = (
    row("paper-k10", "the paper: K = 10", partial(updates, (0, *MARKS)), {"num_steps": 10}),
    *map(by_loss, SELDOM),
)
"""What takes long, on fewer edits."""
ALL_ROWS = {one.name: one for one in (*CONTEST, *SIDE)}
