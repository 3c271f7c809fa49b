"""The data type that flows between the ELECT nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from comfy_api.latest import io
from torch import Tensor

from ...elect_core.schedule import Cost
from ...elect_core.tape import Tape
from ..host.elect.run import Run
from .kept_scores import Score


@io.comfytype(io_type="ELECT_CANDIDATES")
class ElectCandidates(io.ComfyTypeIO):
    """Candidates, paused or finished: `Candidates`."""

    Type = object


@dataclass(frozen=True)
class Candidates:
    """Candidates that ran through the same GUIDER, SAMPLER and SIGMAS and stopped together.

    seeds: one per candidate, in the tape's row order
    tape: their recorded calls, in RAM; stop_step: finished steps; cost: spent so far
    scores: what an election at this stop said of each, None where there was none
    """

    run: Run
    seeds: tuple[int, ...]
    tape: Tape
    stop_step: int
    cost: Cost
    scores: tuple[Score, ...] | None = None

    @property
    def stop_sigma(self) -> float:
        """Noise level at the stop."""
        return float(self.run.sigmas[self.stop_step])

    def rows(self, indices: Sequence[int]) -> Candidates:
        """Some of the candidates, in the order given."""
        scores = self.scores and tuple(self.scores[i] for i in indices)
        seeds = tuple(self.seeds[i] for i in indices)
        return replace(self, seeds=seeds, tape=self.tape.rows(indices), scores=scores)

    def estimates(self, step: int = -1) -> Tensor:
        """Tweedie estimates at a recorded step, (N, C, h, w) in LATENT scale."""
        return self.run.model.model.process_latent_out(self.tape.estimate(step))

    def _comfy_cache_tensors(self) -> list[Tensor]:
        """What newer ComfyUI weighs an output by when RAM is short; without it, as nothing."""
        return self.tape.tensors()
