"""RelevanceMapAggregate: where the edit happens, by all candidates together."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from comfy_api.latest import io
from torch import Tensor

from ...elect_core.relevance import FORMS, aggregate
from ...elect_core.schedule import check_window, window_steps
from ...elect_core.tape import Tape
from ..host.conditions import NULL_KEY, null_key
from ..host.elect.run import Run
from ..host.latents import crop_like_host, overlay, pixels_per_latent, to_mask
from ..inputs import given, inputs, takes_records
from ..menu import ELECT
from .pool import Pool
from .queued import refusal
from .types import Candidates, ElectCandidates


@dataclass(frozen=True)
class Window:
    """The inputs that say how the relevance map is made."""

    window_start: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Where the window of steps begins, as a fraction of the schedule.",
    )
    window_end: float = given(
        io.Float,
        default=0.2,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip="Where the window ends, above window_start, up to 1.",
    )
    form: str = given(
        io.Combo,
        options=list(FORMS),
        default="paper",
        tooltip="The paper's formula, or the authors' published procedure "
        "(outliers clipped, stretched again).",
    )

    def steps(self, num_steps: int, num_recorded: int) -> range:
        """The steps it covers of `num_recorded` of a schedule of `num_steps`, or a ValueError."""
        return window_steps(self.window_start, self.window_end, num_steps, num_recorded)

    def cut(self, num_steps: int, stop_step: int) -> str | None:
        """That the stop cuts the window short, in a sentence; None where it does not."""
        whole = self.steps(num_steps, num_steps)
        return cut_window(whole.stop, stop_step)


def cut_window(window_step: int, stop_step: int) -> str | None:
    """That a window of the first `window_step` steps goes beyond the stop; None where not."""
    if window_step <= stop_step:
        return None
    return (
        f"The relevance window covers {window_step} steps, but the candidates stop after "
        f"{stop_step}: only those count. Raise stop, or narrow the window."
    )


def relevance_weight(candidates: Candidates, window: Window, others: Sequence[Tape] = ()) -> Tensor:
    """The relevance weight of a window, (1, 1, h, w); ValueError says which input cures a lack.

    others: tapes of candidates of the same run that stopped earlier: their steps count too
    """
    steps = window.steps(candidates.run.num_steps, candidates.stop_step)
    maps = [found for step in steps if (found := _maps(step, candidates.tape, *others)) is not None]
    if not maps:
        raise ValueError(_no_signal(candidates, steps))
    weight = aggregate(maps, window.form)
    if not bool(weight.any()):
        logging.warning(
            "ELECT: the model answers alike with and without the text, so the relevance map is "
            "empty and the whole picture counts as background. Check the instruction and cfg."
        )
    return weight


def _maps(step: int, *tapes: Tape) -> Tensor | None:
    """The maps of one step of all who ran it, (N, 1, h, w); None where there is no signal."""
    found = [one for tape in tapes if step < len(tape.steps) for one in tape.relevance([step])]
    return torch.cat(found) if found else None


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
                *inputs(Window),
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
    def validate_inputs(cls, window_start=None, window_end=None) -> bool | str:
        if window_start is None or window_end is None:
            return True
        return refusal(lambda: check_window(window_start, window_end))

    @classmethod
    @takes_records()
    def execute(cls, candidates: Candidates | Pool, window: Window, image=None) -> io.NodeOutput:
        runs = candidates.parts if isinstance(candidates, Pool) else (candidates,)
        height, width = image_size(runs[0].run, image)
        weights = [relevance_weight(one, window) for one in runs]
        mask = torch.cat([to_mask(weight, height, width) for weight in weights])
        if image is None:
            image = torch.zeros(1, height, width, 3)
        image = crop_like_host(image, height, width)
        cut = window.cut(runs[0].run.num_steps, runs[0].stop_step)
        return io.NodeOutput(mask, overlay(image, mask), ui={"text": (cut,)} if cut else None)


NODES: list[type[io.ComfyNode]] = [RelevanceMapAggregate]
