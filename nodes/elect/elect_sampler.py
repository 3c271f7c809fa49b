"""ELECTSampler: the whole method as a drop-in for SamplerCustomAdvanced."""

import torch
from comfy_api.latest import io

from ...elect_core.schedule import Cost, window_steps
from ...elect_core.tape import Tape
from ..host.latents import to_mask
from ..menu import ELECT
from .candidates import choose_seeds, make_run, run_candidates, sampling_inputs, stop_after
from .choice import check_pick_seeds, choose, pick_seeds_input
from .recorded import recorded
from .relevance import image_size, relevance_weight, window_inputs
from .resume import finish
from .score import background_mask, check_space, find_source, selection_inputs
from .shown import KEPT, hold_election
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
        pick_seeds="",
    ) -> io.NodeOutput:
        run = make_run(guider, sampler, sigmas, latent_image, window_end, null, "window_end")
        chosen = choose_seeds(first_seed, num_candidates, seeds)
        stop_step = stop_after(sigmas, stop, stop_sigma)
        size = image_size(run, source_image)
        if len(chosen) == 1:  # nothing to elect: an ordinary run
            alone = Candidates(run, tuple(chosen), Tape(), 0, Cost())
            return io.NodeOutput(*finish(alone), torch.zeros(1, *size), chosen[0])

        # What can be wrong is found before any candidate is run.
        check_pick_seeds(pick_seeds)
        window_steps(window_start, window_end, run.num_steps, stop_step)
        check_space(space, vae)
        own = background_mask(run, None, mask, source_image) if mask is not None else None
        origin = find_source(run, run.latent["samples"], source, source_image, vae)

        found = recorded(
            run,
            chosen,
            (stop_step, candidates_per_batch, ram_limit_mb),
            lambda: run_candidates(run, chosen, stop_step, candidates_per_batch, ram_limit_mb),
        )
        made_of = (found.tape, mask, source, source_image, vae)
        settings = (space, minimum_edit, align, window_start, window_end, form)
        shown = KEPT.find(made_of, settings)
        if shown is None:
            if own is None:
                own = to_mask(relevance_weight(found, window_start, window_end, form), *size)
            given = (own, origin, source_image, vae, settings[:3])
            shown = KEPT.keep(made_of, settings, hold_election(found, found.estimates(), *given))
        choice = choose(shown.scored.ranking, found.seeds, pick_seeds=pick_seeds)
        output = finish(found.rows(choice.indices))
        return io.NodeOutput(
            *output, shown.mask, found.seeds[choice.first], ui=shown.as_ui(found, choice)
        )


NODES: list[type[io.ComfyNode]] = [ELECTSampler]
