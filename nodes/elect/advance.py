"""AdvanceCandidates: candidates taken on from where they paused to a later stop."""

from __future__ import annotations

import math
from dataclasses import dataclass

from comfy_api.latest import io

from ..host.elect.batching import batches
from ..inputs import given, inputs, takes_records
from ..menu import ELECT
from .candidates import advanced, describe
from .plan import check_ram
from .pool import Pool
from .sampling import BIT_EQUAL, per_batch, ram_limit, step_to_stop, stop_level
from .types import Candidates, ElectCandidates


@dataclass(frozen=True)
class Further:
    """The inputs that say how far, and how many side by side."""

    stop: float = given(
        io.Float,
        default=0.6,
        min=0.01,
        max=1.0,
        step=0.01,
        tooltip="Fraction of the steps the candidates are run to, counted from their start; not "
        "below where they are. 1 finishes them.",
    )
    candidates_per_batch: int = per_batch(BIT_EQUAL)
    stop_sigma: float = stop_level()
    ram_limit_mb: int = ram_limit()

    def stop_step(self, candidates: Candidates) -> int:
        """Steps to run to, or a ValueError where the candidates are past them."""
        run, name = candidates.run, "stop_sigma" if self.stop_sigma > 0 else "stop"
        step = step_to_stop(run.sigmas, self.stop, self.stop_sigma)
        if step < candidates.stop_step:
            raise ValueError(
                f"{name}: the candidates have run {candidates.stop_step} of {run.num_steps} steps "
                f"already, so they cannot go on to step {step}. Raise the stop."
            )
        return step


def _taken_on(candidates: Candidates, further: Further) -> Candidates:
    step, number = further.stop_step(candidates), len(candidates.seeds)
    limit = further.ram_limit_mb * 2**20 if further.ram_limit_mb else math.inf
    check_ram(candidates.run, number, step, limit)
    size = batches(candidates.run, further.candidates_per_batch, number).size
    return advanced(candidates, step, size, limit)


class AdvanceCandidates(io.ComfyNode):
    """Runs paused candidates on to a later stop, from their record."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AdvanceCandidates",
            display_name="Advance Candidates (ELECT)",
            category=ELECT,
            description="Continues the candidates that were kept to a later stop, from where they "
            "paused: the same as having run to it at once, and no model call is made twice.",
            inputs=[
                ElectCandidates.Input("candidates", tooltip="From BISSelect, its top k."),
                *inputs(Further),
            ],
            outputs=[ElectCandidates.Output(display_name="candidates")],
        )

    @classmethod
    @takes_records()
    def execute(cls, candidates: Candidates | Pool, further: Further) -> io.NodeOutput:
        if isinstance(candidates, Pool):
            found = candidates.each(lambda part: _taken_on(part, further))
            return io.NodeOutput(found, ui={"text": tuple(map(describe, found.parts))})
        found = _taken_on(candidates, further)
        return io.NodeOutput(found, ui={"text": (describe(found),)})


NODES: list[type[io.ComfyNode]] = [AdvanceCandidates]
