"""ELECTRace: candidates thinned out on the way, so that few of them run far."""

from __future__ import annotations

import logging

from comfy_api.latest import io

from ..host.preview import tell
from ..inputs import inputs, takes_records
from ..menu import ELECT
from .advance import Further
from .choice import check_pick_seeds, choose, pick_seeds_input
from .inscribed import HIDDEN, inscribe
from .pool import Pool, one_run
from .queued import NOT_CONNECTED, refusal
from .race_inputs import Racing, race_input
from .raced import hold_race
from .racing import Judge
from .relevance import Window
from .selection import Selection, check_space
from .types import Candidates, ElectCandidates


class ELECTRace(io.ComfyNode):
    """Runs candidates on in rungs, drops the worst at each, and puts out who is left."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ELECTRace",
            display_name="ELECT Race",
            category=ELECT,
            description="Runs all candidates a little, drops the worst, runs the rest further, and "
            "so on: as good as running them all far, for a fraction of the calls. Takes the place "
            "of BISSelect after a MultiSeedPartialSampler with a low stop.",
            is_output_node=True,
            hidden=list(HIDDEN),
            inputs=[
                ElectCandidates.Input("candidates", tooltip="From MultiSeedPartialSampler."),
                race_input("halving"),
                *inputs(Racing),
                *inputs(Further),
                *inputs(Window),
                *inputs(Selection),
                pick_seeds_input(),
            ],
            outputs=[
                ElectCandidates.Output(display_name="elected"),
                io.Int.Output(display_name="seed"),
                io.String.Output(display_name="table"),
                io.Mask.Output(display_name="relevance"),
            ],
        )

    @classmethod
    def validate_inputs(
        cls, race=None, rungs=None, pick_seeds=None, space=None, vae=NOT_CONNECTED
    ) -> bool | str:
        return refusal(
            lambda: race is None or rungs is None or Racing(rungs=rungs).check(race),
            lambda: check_pick_seeds(pick_seeds or ""),
            lambda: check_space(space, vae is not NOT_CONNECTED),
        )

    @classmethod
    @takes_records()
    def execute(
        cls,
        candidates: Candidates | Pool,
        further: Further,
        window: Window,
        selection: Selection,
        racing: Racing,
        race="halving",
        pick_seeds="",
    ) -> io.NodeOutput:
        candidates = one_run(candidates, "ELECTRace")
        check_pick_seeds(pick_seeds)
        selection.check_space()
        run, number, started = candidates.run, len(candidates.seeds), candidates.stop_step
        stop_step = further.stop_step(candidates) if race == "off" else started
        plan = racing.plan(race, run, number, stop_step, started)
        if selection.needs_relevance():
            window.steps(run.num_steps, plan.rungs[0].step)
        selection.own_mask(run)
        origin = selection.find_source(run, run.latent["samples"])
        say(cls, plan.in_words())
        limits = (further.candidates_per_batch, further.ram_limit_mb)
        judge = Judge(selection, window, racing, origin)
        held = hold_race(candidates, plan, judge, (candidates.tape,), None, *limits)
        chosen = choose(held.raced.scored.ranking, candidates.seeds, pick_seeds=pick_seeds)
        going = held.going(candidates, chosen, limits[0])
        told = held.as_ui(going, chosen)
        left = [candidates.seeds.index(seed) for seed in going.seeds]
        going = held.scored(going, left, selection.criterion)
        inscribe(cls, told["elect"][0], left)
        return io.NodeOutput(
            going, candidates.seeds[chosen.first], told["text"][0], held.raced.mask, ui=told
        )


def say(node: type[io.ComfyNode], text: str) -> None:
    """Put a line into the log and on the running node."""
    logging.info("ELECT: %s", text)
    tell(getattr(node.hidden, "unique_id", None), text)


NODES: list[type[io.ComfyNode]] = [ELECTRace]
