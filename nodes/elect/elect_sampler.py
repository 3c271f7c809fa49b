"""ELECTSampler: the whole method as a drop-in for SamplerCustomAdvanced."""

import torch
from comfy_api.latest import io

from ...elect_core.schedule import Cost, window_steps
from ...elect_core.tape import Tape
from ..host.latents import to_mask
from ..menu import ELECT
from .candidates import choose_seeds, make_run, run_candidates, sampling_inputs, stop_after
from .relevance import image_size, relevance_weight, window_inputs
from .resume import finish
from .score import background_mask, check_space, find_source, score, selection_inputs
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
                *(given for given in sampling_inputs() if given.id not in _OWN_INPUTS),
                *window_inputs(),
                *selection_inputs(),
            ],
            outputs=[
                io.Latent.Output(display_name="output"),
                io.Latent.Output(display_name="denoised_output"),
                io.Mask.Output(display_name="relevance"),
                io.Int.Output(display_name="seed"),
            ],
        )

    @classmethod
    def execute(
        cls,
        guider,
        sampler,
        sigmas,
        latent_image,
        first_seed,
        num_candidates,
        stop,
        candidates_per_batch,
        window_start,
        window_end,
        form,
        space,
        minimum_edit,
        seeds="",
        stop_sigma=0.0,
        ram_limit_mb=0,
        null=None,
        mask=None,
        source=None,
        source_image=None,
        vae=None,
        align=False,
    ) -> io.NodeOutput:
        run = make_run(guider, sampler, sigmas, latent_image, window_end, null, "window_end")
        chosen = choose_seeds(first_seed, num_candidates, seeds)
        stop_step = stop_after(sigmas, stop, stop_sigma)
        size = image_size(run, source_image)
        if len(chosen) == 1:  # nothing to elect: an ordinary run
            alone = Candidates(run, tuple(chosen), Tape(), 0, Cost())
            return io.NodeOutput(*finish(alone), torch.zeros(1, *size), chosen[0])

        # What can be wrong is found before any candidate is run.
        window_steps(window_start, window_end, run.num_steps, stop_step)
        check_space(space, vae)
        own = background_mask(run, None, mask, source_image) if mask is not None else None
        origin = find_source(run, run.latent["samples"], source, source_image, vae)

        found = run_candidates(run, chosen, stop_step, candidates_per_batch, ram_limit_mb)
        if own is None:
            own = to_mask(relevance_weight(found, window_start, window_end, form), *size)
        latents = found.estimates()
        scored = score(found, latents, own, origin, space, vae, minimum_edit, align)
        elected = scored.ranking.elected
        shown = as_ui(cls, found, latents, scored, elected)
        output = finish(found.rows([elected]))
        return io.NodeOutput(*output, own, found.seeds[elected], ui=shown)


NODES: list[type[io.ComfyNode]] = [ELECTSampler]
