"""ResumeDenoise: finish elected candidates exactly where they stopped."""

from collections.abc import Sequence

from comfy_api.latest import io
from torch import Tensor

from ...elect_core.schedule import Cost
from ..host.elect.batching import batches
from ..host.elect.run import resume
from ..host.preview import CandidateProgress
from ..menu import ELECT
from .candidates import notes
from .pool import Pool
from .sampling import MAX_CANDIDATES
from .types import Candidates, ElectCandidates


def finish(candidates: Candidates, per_batch: int = 1) -> tuple[dict, dict, Cost]:
    """Both outputs of SamplerCustomAdvanced for the candidates, in their order, and the cost.

    per_batch: candidates side by side where the run allows it, 0 for what fits
    """
    run, seeds = candidates.run, candidates.seeds
    size = 1 if len(seeds) == 1 else batches(run, per_batch, len(seeds)).size
    progress = CandidateProgress(run.model, seeds, run.num_steps)
    samples, denoised, cost = resume(run, seeds, candidates.tape, progress, size)

    def as_latent(tensor: Tensor) -> dict:
        return {**run.latent, "samples": tensor}

    return as_latent(samples), as_latent(denoised), cost


def finish_pool(pool: Pool, per_batch: int = 1) -> tuple[dict, dict, Cost]:
    """The same for candidates of several runs, each in its own."""
    done = [finish(part, per_batch) for part in pool.parts]

    samples, denoised, costs = zip(*done, strict=True)

    def together(latents: Sequence[dict]) -> dict:
        return {**latents[0], "samples": pool.gather([one["samples"] for one in latents])}

    return together(samples), together(denoised), sum(costs, Cost())


class ResumeDenoise(io.ComfyNode):
    """Runs the remaining steps of candidates that MultiSeedPartialSampler paused."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ResumeDenoise",
            display_name="Resume Denoise (ELECT)",
            category=ELECT,
            description="Finishes the elected candidate, or the top k, from exactly where it "
            "stopped: only the remaining model calls are made.",
            inputs=[
                ElectCandidates.Input("candidates", tooltip="From BISSelect."),
                io.Int.Input(
                    "candidates_per_batch",
                    default=1,
                    min=0,
                    max=MAX_CANDIDATES,
                    optional=True,
                    tooltip="Candidates finished side by side, where the run allows it; 0 is as "
                    "many as fit in memory, 1 keeps each bit-equal to its seed alone.",
                ),
            ],
            outputs=[
                io.Latent.Output(display_name="output"),
                io.Latent.Output(display_name="denoised_output"),
            ],
        )

    @classmethod
    def execute(cls, candidates: Candidates | Pool, candidates_per_batch: int = 1) -> io.NodeOutput:
        if isinstance(candidates, Pool):
            *latents, cost = finish_pool(candidates, candidates_per_batch)
            known = [note for part in candidates.parts for note in notes(part)]
        else:
            *latents, cost = finish(candidates, candidates_per_batch)
            known = notes(candidates)
        said = f"{cost.nfe} guider calls ({cost.model_evaluations} model evaluations)"
        text = "\n".join([said, *known])
        return io.NodeOutput(*latents, ui={"text": (text,)})


NODES: list[type[io.ComfyNode]] = [ResumeDenoise]
