"""MultiSeedPartialSampler: every candidate seed through the sampler up to the stop."""

from comfy_api.latest import io

from ..inputs import inputs, takes_records
from ..menu import ELECT
from .candidates import describe, joined, run_candidates
from .plan import plan_sampling
from .pool import one_run
from .queued import refusal
from .sampling import Drawn, Sampling, check, parse_seeds
from .types import Candidates, ElectCandidates


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
            inputs=[
                *inputs(Sampling),
                ElectCandidates.Input(
                    "previous",
                    optional=True,
                    tooltip="Candidates to keep: only seeds that are not among them are run, and "
                    "both are put out. Connect the top k of BISSelect to re-roll the losers.",
                ),
                *inputs(Drawn),
            ],
            outputs=[ElectCandidates.Output(display_name="candidates")],
        )

    @classmethod
    def validate_inputs(cls, seeds=None) -> bool | str:
        return refusal(lambda: parse_seeds(seeds or ""))

    @classmethod
    @takes_records()
    def execute(
        cls, sampling: Sampling, drawn: Drawn, previous: Candidates | None = None
    ) -> io.NodeOutput:
        if previous is not None:
            previous = one_run(previous, "previous")
        planned = plan_sampling(check(sampling, drawn=drawn), sampling, previous)
        if previous is None:
            found = run_candidates(planned)
        elif planned.seeds:
            found = joined(previous, run_candidates(planned))
        else:
            found = previous
        return io.NodeOutput(found, ui={"text": (describe(found),)})


NODES: list[type[io.ComfyNode]] = [MultiSeedPartialSampler]
