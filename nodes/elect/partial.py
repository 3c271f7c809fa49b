"""MultiSeedPartialSampler: every candidate seed through the sampler up to the stop."""

import torch
from comfy_api.latest import io

from ...elect_core.tape import Tape
from ..host.elect.run import Run
from ..menu import ELECT
from .candidates import (
    MAX_CANDIDATES,
    choose_seeds,
    describe,
    make_run,
    run_candidates,
    sampling_inputs,
    stop_after,
)
from .types import Candidates, ElectCandidates


def _same_sampler(sampler, other) -> bool:
    names = ("sampler_function", "extra_options", "inpaint_options")
    return sampler is other or all(
        hasattr(sampler, name) and getattr(sampler, name) == getattr(other, name, None)
        for name in names
    )


def _same_tensor(tensor: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if tensor is None or other is None:
        return tensor is other
    return tensor.shape == other.shape and torch.equal(tensor, other)


def same_run(run: Run, other: Run) -> bool:
    """Whether candidates of two runs may stand side by side."""
    return (
        run.guider is other.guider
        and run.null is other.null
        and run.window_step == other.window_step
        and _same_sampler(run.sampler, other.sampler)
        and torch.equal(run.sigmas, other.sigmas)
        and _same_tensor(run.latent["samples"], other.latent["samples"])
        and _same_tensor(run.latent.get("noise_mask"), other.latent.get("noise_mask"))
        and run.latent.get("batch_index") == other.latent.get("batch_index")
    )


def _add_to(previous: Candidates | None, run: Run, seeds: list[int], stop_step: int) -> list[int]:
    """The seeds still to be run beside `previous`, or a ValueError."""
    if previous is None:
        return seeds
    if not same_run(run, previous.run) or stop_step != previous.stop_step:
        raise ValueError(
            "previous: its candidates ran with another guider, sampler, sigmas, latent_image, "
            "null, relevance_window or stop. Connect and set the same in both samplers."
        )
    new = [seed for seed in seeds if seed not in previous.seeds]
    if len(new) + len(previous.seeds) > MAX_CANDIDATES:
        raise ValueError(
            f"num_candidates: with the {len(previous.seeds)} of previous there would be "
            f"{len(new) + len(previous.seeds)}, more than {MAX_CANDIDATES}."
        )
    return new


def _merge(previous: Candidates | None, found: Candidates | None) -> Candidates:
    if previous is None or found is None:
        both = previous or found
        assert both is not None
        return both
    tape = Tape.concatenate([previous.tape, found.tape])
    seeds, cost = previous.seeds + found.seeds, previous.cost + found.cost
    return Candidates(found.run, seeds, tape, found.stop_step, cost)


class MultiSeedPartialSampler(io.ComfyNode):
    """Runs many seeds of one edit part of the way and keeps what is needed to go on."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MultiSeedPartialSampler",
            display_name="Multi-Seed Partial Sampler (ELECT)",
            category=ELECT,
            description="Runs many seeds of one edit part of the way, so that only the best one "
            "need be finished. Takes the place of SamplerCustomAdvanced.",
            inputs=sampling_inputs()
            + [
                ElectCandidates.Input(
                    "previous",
                    optional=True,
                    tooltip="Candidates to keep: only seeds that are not among them are run, and "
                    "both are put out. Connect the top k of BISSelect to re-roll the losers.",
                ),
            ],
            outputs=[ElectCandidates.Output(display_name="candidates")],
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
        relevance_window,
        candidates_per_batch,
        seeds="",
        stop_sigma=0.0,
        ram_limit_mb=0,
        null=None,
        previous=None,
    ) -> io.NodeOutput:
        run = make_run(guider, sampler, sigmas, latent_image, relevance_window, null)
        stop_step = stop_after(sigmas, stop, stop_sigma)
        chosen = choose_seeds(first_seed, num_candidates, seeds)
        new = _add_to(previous, run, chosen, stop_step)
        held = previous.tape.nbytes if previous is not None else 0
        limits = (stop_step, candidates_per_batch, ram_limit_mb, held)
        found = run_candidates(run, new, *limits) if new else None
        merged = _merge(previous, found)
        return io.NodeOutput(merged, ui={"text": (describe(merged),)})


NODES: list[type[io.ComfyNode]] = [MultiSeedPartialSampler]
