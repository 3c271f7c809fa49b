"""ResumeDenoise: finish elected candidates exactly where they stopped."""

from comfy_api.latest import io
from torch import Tensor

from ...elect_core.schedule import Cost
from ..host.elect.run import resume
from ..host.preview import CandidateProgress
from ..menu import ELECT
from .candidates import notes
from .types import Candidates, ElectCandidates


def finish(candidates: Candidates) -> tuple[dict, dict, Cost]:
    """Both outputs of SamplerCustomAdvanced for the candidates, in their order, and the cost."""
    run = candidates.run
    progress = CandidateProgress(run.model, candidates.seeds, run.num_steps)
    samples, denoised, cost = resume(run, candidates.seeds, candidates.tape, progress)

    def as_latent(tensor: Tensor) -> dict:
        return {**run.latent, "samples": tensor}

    return as_latent(samples), as_latent(denoised), cost


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
            inputs=[ElectCandidates.Input("candidates", tooltip="From BISSelect.")],
            outputs=[
                io.Latent.Output(display_name="output"),
                io.Latent.Output(display_name="denoised_output"),
            ],
        )

    @classmethod
    def execute(cls, candidates: Candidates) -> io.NodeOutput:
        *latents, cost = finish(candidates)
        said = f"{cost.nfe} guider calls ({cost.model_evaluations} model evaluations)"
        text = "\n".join([said, *notes(candidates)])
        return io.NodeOutput(*latents, ui={"text": (text,)})


NODES: list[type[io.ComfyNode]] = [ResumeDenoise]
