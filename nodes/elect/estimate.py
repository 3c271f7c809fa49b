"""TweedieEstimate: each candidate's estimate of its finished latent."""

from comfy_api.latest import io

from ..menu import ELECT
from .pool import Pool
from .types import Candidates, ElectCandidates


class TweedieEstimate(io.ComfyNode):
    """The finished latent that each candidate points to at one step."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TweedieEstimate",
            display_name="Tweedie Estimate (ELECT)",
            category=ELECT,
            description="Estimates every candidate's finished latent from a step it has run, "
            "guidance included. Decode it with VAEDecode to look at.",
            inputs=[
                ElectCandidates.Input("candidates"),
                io.Int.Input(
                    "step",
                    default=0,
                    min=0,
                    max=10000,
                    tooltip="Step to look at, from 1; 0 is the last one run.",
                ),
            ],
            outputs=[io.Latent.Output(display_name="estimates")],
        )

    @classmethod
    def execute(cls, candidates: Candidates | Pool, step: int) -> io.NodeOutput:
        if step > candidates.stop_step:
            raise ValueError(
                f"step: the candidates ran {candidates.stop_step} steps, so expected 1 to "
                f"{candidates.stop_step} or 0 for the last, got {step}."
            )
        return io.NodeOutput({"samples": candidates.estimates(step - 1)})


NODES: list[type[io.ComfyNode]] = [TweedieEstimate]
