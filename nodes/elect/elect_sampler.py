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
from .plan import plan_sampling
from .relevance import Window, image_size, relevance_weight
from .resume import finish
from .sampling import Sampling, check
from .score import score
from .selection import Selection
from .table import as_ui
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
    def execute(cls, sampling: Sampling, window: Window, selection: Selection) -> io.NodeOutput:
        null = sampling.null if selection.needs_relevance() else None
        sampling = replace(sampling, relevance_window=window.window_end, null=null)
        run = check(sampling, "window_end")
        planned = plan_sampling(run, sampling)
        size = image_size(run, selection.source_image)
        if len(planned.seeds) == 1:  # nothing to elect: an ordinary run
            alone = Candidates(run, planned.seeds, Tape(), 0, Cost())
            return io.NodeOutput(*finish(alone)[:2], torch.zeros(1, *size), *planned.seeds)

        # What can be wrong is found before any candidate is run.
        window.steps(run.num_steps, planned.stop_step)
        selection.check_space()
        selection.own_mask(run)
        origin = selection.find_source(run, run.latent["samples"])

        found = run_candidates(planned)
        relevance = None
        if selection.needs_relevance():
            relevance = to_mask(relevance_weight(found, window), *size)
        latents = found.estimates()
        region = selection.region(run, relevance, latents, origin)
        scored = score(found, latents, region, origin, selection)
        elected = scored.ranking.elected
        shown = as_ui(cls, found, latents, scored, elected)
        output = finish(found.rows([elected]))[:2]
        return io.NodeOutput(*output, region, found.seeds[elected], ui=shown)


NODES: list[type[io.ComfyNode]] = [ELECTSampler]
