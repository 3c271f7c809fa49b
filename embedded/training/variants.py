"""The UNets that are tuned from another one: where each starts, and what it learns. No ComfyUI."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..data.spoil import CLEAN
from ..model.objectives import RECTIFIED_FLOW, V_PREDICTION, Objective


@dataclass(frozen=True)
class Variant:
    """A stage of the training.

    start: the stage whose weights it goes on from
    dose: how spoilt its pairs are, a key of `spoil.DOSES`; None: it draws from captions
    steps: of a few-step model, how many it samples in; None for a model of many steps
    """

    title: str
    start: str
    objective: Objective
    dose: str | None = CLEAN
    steps: int | None = None


VARIANTS = {
    "drawing": Variant("that draws from captions", "unet", V_PREDICTION, dose=None),
    "flow": Variant("that edits by rectified flow", "unet", RECTIFIED_FLOW),
    "mild": Variant("that edits, of mildly spoilt pairs", "unet", V_PREDICTION, "mild"),
    "harsh": Variant("that edits, of harshly spoilt pairs", "unet", V_PREDICTION, "harsh"),
    "flow_mild": Variant("that edits by rectified flow", "flow", RECTIFIED_FLOW, "mild"),
    "flow_4": Variant("that edits in four steps", "flow", RECTIFIED_FLOW, steps=4),
    "flow_2": Variant("that edits in two steps", "flow_4", RECTIFIED_FLOW, steps=2),
    "flow_1": Variant("that edits in one step", "flow_2", RECTIFIED_FLOW, steps=1),
    "drawing_4": Variant("that draws in four steps", "drawing", V_PREDICTION, None, 4),
    "drawing_2": Variant("that draws in two steps", "drawing_4", V_PREDICTION, None, 2),
    "drawing_1": Variant("that draws in one step", "drawing_2", V_PREDICTION, None, 1),
}

AGAIN = {
    "unet_on": Variant("that edits, an InstructPix2Pix", "flow", V_PREDICTION),
    **{
        f"{name}_on": replace(VARIANTS[name], start=name)
        for name in ("drawing", "flow", "flow_mild")
    },
}
"""Stages that go on with weights that ship, after the latents moved: they take their place."""

TUNED = {**VARIANTS, **AGAIN}


def weights_of(stage: str) -> str:
    """The stage's weights in `embedded/weights`, without suffix."""
    return stage.removesuffix("_on")
