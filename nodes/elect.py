"""ELECTSampler: the whole method as a drop-in for SamplerCustomAdvanced."""

import torch
from comfy_api.latest import io

from .candidates import choose_seeds, make_run, run_candidates, sampling_inputs, stop_after
from .host.latents import to_mask
from .relevance import image_size, relevance_weight, window_inputs
from .resume import finish
from .score import background_mask, find_source, score, selection_inputs
from .table import as_ui
from .types import CATEGORY, Candidates

# The schema's own window replaces the sampler node's, which only knows where it ends.
_OWN_INPUTS = ("relevance_window",)


def _mask_of_edit(candidates: Candidates, start, end, form, mask, image):
    if mask is not None:
        return background_mask(candidates, None, mask, image)
    if len(candidates.seeds) == 1:  # nothing to compare: an ordinary run needs no null text
        return torch.zeros(1, *image_size(candidates, image))
    weight = relevance_weight(candidates, start, end, form)
    return to_mask(weight, *image_size(candidates, image))


class ELECTSampler(io.ComfyNode):
    """Runs many seeds part of the way, elects the steadiest background, finishes only that."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ELECTSampler",
            display_name="ELECT Sampler",
            category=CATEGORY,
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
    ) -> io.NodeOutput:
        run = make_run(guider, sampler, sigmas, latent_image, window_end, null, "window_end")
        chosen = choose_seeds(first_seed, num_candidates, seeds)
        stop_step = stop_after(sigmas, stop, stop_sigma)
        found = run_candidates(run, chosen, stop_step, candidates_per_batch, ram_limit_mb)
        where = _mask_of_edit(found, window_start, window_end, form, mask, source_image)
        latents = found.estimates()
        origin = find_source(found, latents, source, source_image, vae)
        scored = score(found, latents, where, origin, space, vae, minimum_edit)
        elected = scored.ranking.elected
        shown = as_ui(cls, found, latents, scored, elected)
        output = finish(found.rows([elected]))
        return io.NodeOutput(*output, where, found.seeds[elected], ui=shown)


NODES: list[type[io.ComfyNode]] = [ELECTSampler]
