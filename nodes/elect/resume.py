"""ResumeDenoise: finish elected candidates exactly where they stopped."""

from comfy_api.latest import io

from ..inputs import inputs, takes_records
from ..menu import ELECT
from .candidates import notes
from .finishing import Otherwise, finish, finish_pool
from .pool import Pool
from .sampling import MAX_CANDIDATES
from .types import Candidates, ElectCandidates


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
                *inputs(Otherwise),
            ],
            outputs=[
                io.Latent.Output(display_name="output"),
                io.Latent.Output(display_name="denoised_output"),
            ],
        )

    @classmethod
    @takes_records()
    def execute(
        cls, candidates: Candidates | Pool, otherwise: Otherwise, candidates_per_batch: int = 1
    ) -> io.NodeOutput:
        otherwise.check()
        parts = candidates.parts if isinstance(candidates, Pool) else (candidates,)
        how = finish_pool if isinstance(candidates, Pool) else finish
        *latents, cost = how(candidates, candidates_per_batch, otherwise)  # type: ignore[arg-type]
        said = f"{cost.nfe} guider calls ({cost.model_evaluations} model evaluations)"
        known = dict.fromkeys(note for part in parts for note in notes(part))
        text = "\n".join([said, *otherwise.in_words(), *known])
        return io.NodeOutput(*latents, ui={"text": (text,)})


NODES: list[type[io.ComfyNode]] = [ResumeDenoise]
