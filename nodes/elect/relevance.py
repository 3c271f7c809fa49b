"""RelevanceMapAggregate: where the edit happens, by all candidates together."""

import logging

import torch
from comfy_api.latest import io
from torch import Tensor

from ...elect_core.relevance import FORMS, aggregate
from ...elect_core.schedule import window_steps
from ..host.conditions import NULL_KEY, null_key
from ..host.elect.run import Run
from ..host.latents import crop_like_host, overlay, pixels_per_latent, to_mask
from ..menu import ELECT
from .types import Candidates, ElectCandidates


def relevance_weight(candidates: Candidates, start: float, end: float, form: str) -> Tensor:
    """The relevance weight of a window, (1, 1, h, w); ValueError says which input cures a lack."""
    steps = window_steps(start, end, candidates.run.num_steps, candidates.stop_step)
    maps = candidates.tape.relevance(steps)
    if not maps:
        raise ValueError(_no_signal(candidates, steps))
    weight = aggregate(maps, form)
    if not bool(weight.any()):
        logging.warning(
            "ELECT: the model answers alike with and without the text, so the relevance map is "
            "empty and the whole picture counts as background. Check the instruction and cfg."
        )
    return weight


def _no_signal(candidates: Candidates, steps: range) -> str:
    conds = candidates.run.conds()
    key = null_key(conds)
    if key == NULL_KEY:
        return (
            f"relevance: steps {steps.start + 1} to {steps.stop} lie outside relevance_window, "
            "in which the null text was run. Widen it where the candidates are sampled."
        )
    if key is None:
        cause = "the guider has no negative conditioning"
    else:
        cause = f"the guider never runs its {key} conditioning (cfg 1 leaves it out)"
    return (
        f"relevance: there is no signal, since {cause}. Connect an empty-text CONDITIONING to "
        "null where the candidates are sampled, raise cfg above 1, or give a mask of your own."
    )


def image_size(run: Run, image: Tensor | None) -> tuple[int, int]:
    """Height and width in pixels of what the run's latent stands for."""
    latent = run.latent["samples"]
    ratio = pixels_per_latent(run.model, latent, image)
    return latent.shape[-2] * ratio, latent.shape[-1] * ratio


class RelevanceMapAggregate(io.ComfyNode):
    """Averages text-against-no-text differences over candidates and steps into one mask."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RelevanceMapAggregate",
            display_name="Relevance Map Aggregate (ELECT)",
            category=ELECT,
            description="Finds where the edit happens: where the model's predictions with and "
            "without the text differ, over all candidates and the first steps.",
            inputs=[
                ElectCandidates.Input("candidates"),
                *window_inputs(),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The source picture, for the overlay and the exact mask size.",
                ),
            ],
            outputs=[
                io.Mask.Output(display_name="relevance"),
                io.Image.Output(display_name="overlay"),
            ],
        )

    @classmethod
    def execute(
        cls, candidates: Candidates, window_start, window_end, form, image=None
    ) -> io.NodeOutput:
        height, width = image_size(candidates.run, image)
        weight = relevance_weight(candidates, window_start, window_end, form)
        mask = to_mask(weight, height, width)
        if image is None:
            image = torch.zeros(1, height, width, 3)
        image = crop_like_host(image, height, width)
        return io.NodeOutput(mask, overlay(image, mask))


def window_inputs() -> list[io.Input]:
    """The inputs that say how the relevance map is made; shared with ELECTSampler."""
    return [
        io.Float.Input(
            "window_start",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="Where the window of steps begins, as a fraction of the schedule.",
        ),
        io.Float.Input(
            "window_end",
            default=0.2,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip="Where the window ends, above window_start, up to 1.",
        ),
        io.Combo.Input(
            "form",
            options=list(FORMS),
            default="paper",
            tooltip="The paper's formula, or the authors' published procedure "
            "(outliers clipped, stretched again).",
        ),
    ]


NODES: list[type[io.ComfyNode]] = [RelevanceMapAggregate]
