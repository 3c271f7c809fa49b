"""ELECTSampler: the whole method as a drop-in for SamplerCustomAdvanced."""

from dataclasses import replace

import torch
from comfy_api.latest import io

from ...elect_core.schedule import Cost
from ...elect_core.tape import Tape
from ..host.latents import to_mask
from ..inputs import inputs, takes_records
from ..menu import ELECT
from .candidates import run_candidates
from .choice import check_pick_seeds, choose, pick_seeds_input
from .plan import plan_sampling
from .recorded import recorded
from .relevance import Window, image_size, relevance_weight
from .resume import finish
from .sampling import Sampling, check
from .selection import Selection
from .shown import KEPT, Shown, hold_election, identity
from .types import Candidates

# The schema's own window replaces the sampler node's, which only knows where it ends.
_OWN_INPUTS = ("relevance_window",)


class ELECTSampler(io.ComfyNode):
    """Runs many seeds part of the way, elects the steadiest background, finishes only that."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ELECTSampler",
            display_name="ELECT Sampler",
            category=ELECT,
            description="Takes the place of SamplerCustomAdvanced: tries many seeds for about "
            "half the cost of running them all and puts out the one that keeps the background.",
            is_output_node=True,
            inputs=[
                *inputs(Sampling, without=_OWN_INPUTS),
                *inputs(Window),
                *inputs(Selection),
                pick_seeds_input(),
            ],
            outputs=[
                io.Latent.Output(display_name="output"),
                io.Latent.Output(display_name="denoised_output"),
                io.Mask.Output(display_name="relevance"),
                io.Int.Output(display_name="seed"),
            ],
        )

    @classmethod
    @takes_records(without=_OWN_INPUTS)
    def execute(
        cls, sampling: Sampling, window: Window, selection: Selection, pick_seeds=""
    ) -> io.NodeOutput:
        null = sampling.null if selection.needs_relevance() else None
        sampling = replace(sampling, relevance_window=window.window_end, null=null)
        run = check(sampling, "window_end")
        planned = plan_sampling(run, sampling)
        size = image_size(run, selection.source_image)
        if len(planned.seeds) == 1:  # nothing to elect: an ordinary run
            alone = Candidates(run, planned.seeds, Tape(), 0, Cost())
            return io.NodeOutput(*finish(alone)[:2], torch.zeros(1, *size), *planned.seeds)

        # What can be wrong is found before any candidate is run.
        check_pick_seeds(pick_seeds)
        window.steps(run.num_steps, planned.stop_step)
        selection.check_space()
        selection.own_mask(run)
        origin = selection.find_source(run, run.latent["samples"])

        settings = (planned.stop_step, sampling.candidates_per_batch, sampling.ram_limit_mb)
        found = recorded(run, planned.seeds, settings, lambda: run_candidates(planned))
        shown = _shown(found, window, selection, origin, size)
        chosen = choose(shown.scored.ranking, found.seeds, pick_seeds=pick_seeds)
        output = finish(found.rows(chosen.indices))[:2]
        return io.NodeOutput(
            *output, shown.mask, found.seeds[chosen.first], ui=shown.as_ui(found, chosen)
        )


def _shown(
    found: Candidates, window: Window, selection: Selection, origin, size: tuple[int, int]
) -> Shown:
    """The election, held only where anything but the choice has changed."""
    objects, settings = identity(selection)
    kept = KEPT.find((found.tape, *objects), (window, settings))
    if kept is not None:
        return kept
    relevance = None
    if selection.needs_relevance():
        relevance = to_mask(relevance_weight(found, window), *size)
    latents = found.estimates()
    region = selection.region(found.run, relevance, latents, origin)
    held = hold_election(found, latents, region, origin, selection)
    return KEPT.keep((found.tape, *objects), (window, settings), held)


NODES: list[type[io.ComfyNode]] = [ELECTSampler]
