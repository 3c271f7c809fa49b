"""ELECTSampler: the whole method as a drop-in for SamplerCustomAdvanced."""

from dataclasses import dataclass, replace

import torch
from comfy_api.latest import io
from torch import Tensor

from ...elect_core.schedule import Cost
from ...elect_core.tape import Tape
from ..host.elect.run import Run
from ..host.latents import to_mask
from ..inputs import inputs, takes_records
from ..menu import ELECT
from .candidates import advanced, run_candidates
from .choice import check_pick_seeds, choose, pick_seeds_input
from .elect_race import say
from .finishing import finish
from .inscribed import HIDDEN, inscribe
from .kept_scores import with_scores
from .plan import plan_sampling
from .queued import refusal
from .race_inputs import RacePlan, Racing, race_input
from .raced import hold_race
from .racing import Judge
from .recorded import recorded
from .relevance import Window, image_size, relevance_weight
from .sampling import Drawn, Sampling, check
from .selection import Selection
from .shown import KEPT, Shown, hold_election, identity
from .types import Candidates, ElectCandidates

# The schema's own window replaces the sampler node's, which only knows where it ends.
_OWN_INPUTS = ("relevance_window",)


@dataclass(frozen=True)
class _Elected:
    """What comes of an election: who is finished, who else is kept, what is shown."""

    finishing: Candidates
    kept: Candidates
    mask: Tensor
    ui: dict


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
            hidden=list(HIDDEN),
            inputs=[
                *inputs(Sampling, without=_OWN_INPUTS),
                *inputs(Window),
                *inputs(Selection),
                pick_seeds_input(),
                race_input("off"),
                *inputs(Racing),
                *inputs(Drawn),
            ],
            outputs=[
                io.Latent.Output(display_name="output"),
                io.Latent.Output(display_name="denoised_output"),
                io.Mask.Output(display_name="relevance"),
                io.Int.Output(display_name="seed"),
                ElectCandidates.Output(display_name="candidates"),
            ],
        )

    @classmethod
    def validate_inputs(cls, race=None, rungs=None) -> bool | str:
        return refusal(lambda: race is None or rungs is None or Racing(rungs=rungs).check(race))

    @classmethod
    @takes_records(without=_OWN_INPUTS)
    def execute(
        cls,
        sampling: Sampling,
        window: Window,
        selection: Selection,
        racing: Racing,
        drawn: Drawn,
        pick_seeds="",
        race="off",
    ) -> io.NodeOutput:
        null = sampling.null if selection.needs_relevance() else None
        sampling = replace(sampling, relevance_window=window.window_end, null=null)
        run, seeds = check(sampling, "window_end", drawn), tuple(sampling.chosen_seeds())
        if len(seeds) == 1:  # nothing to elect: an ordinary run
            return _alone(run, seeds, image_size(run, selection.source_image))

        # What can be wrong is found before any candidate is run.
        check_pick_seeds(pick_seeds)
        planned = racing.plan(race, run, len(seeds), sampling.stop_step())
        window.steps(run.num_steps, planned.rungs[0].step)
        selection.check_space()
        selection.own_mask(run)
        origin = selection.find_source(run, run.latent["samples"])

        judge = Judge(selection, window, racing, origin)
        if planned.plain:
            elected = _elected(run, sampling, judge, pick_seeds)
        else:
            say(cls, planned.in_words())
            elected = _raced(run, sampling, judge, planned, pick_seeds)
        told = elected.ui["elect"][0]
        inscribe(cls, told, told["chosen"])
        output = finish(elected.finishing, sampling.candidates_per_batch)[:2]
        seed = elected.finishing.seeds[0]
        return io.NodeOutput(*output, elected.mask, seed, elected.kept, ui=elected.ui)


def _alone(run: Run, seeds: tuple[int, ...], size: tuple[int, int]) -> io.NodeOutput:
    """One candidate to its end; its null text is of no use to anybody."""
    first = Candidates(replace(run, window_step=0), seeds, Tape(), 0, Cost())
    alone = replace(advanced(first, run.num_steps, 1), run=run)
    return io.NodeOutput(*finish(alone)[:2], torch.zeros(1, *size), *seeds, alone)


def _elected(run: Run, sampling: Sampling, judge: Judge, pick_seeds: str) -> _Elected:
    """All candidates to one stop."""
    planned = plan_sampling(run, sampling)
    settings = (planned.stop_step, sampling.candidates_per_batch, sampling.ram_limit_mb)
    found = recorded(run, planned.seeds, settings, lambda: run_candidates(planned))
    shown = _shown(found, judge)
    chosen = choose(shown.scored.ranking, found.seeds, pick_seeds=pick_seeds)
    finishing = found.rows(chosen.indices)
    kept = with_scores(found, range(len(found.seeds)), shown.table, judge.selection.criterion)
    return _Elected(finishing, kept, shown.mask, shown.as_ui(found, chosen))


def _raced(run: Run, sampling: Sampling, judge: Judge, plan: RacePlan, pick_seeds: str) -> _Elected:
    """Candidates thinned out on the way, or run until the choice is settled."""
    seeds, per_batch = tuple(sampling.chosen_seeds()), sampling.candidates_per_batch
    first = Candidates(run, seeds, Tape(), 0, Cost())
    settings = (seeds, per_batch, *run.numbers)
    held = hold_race(first, plan, judge, run.made_of, settings, per_batch, sampling.ram_limit_mb)
    chosen = choose(held.raced.scored.ranking, seeds, pick_seeds=pick_seeds)
    kept = held.going(first, chosen, per_batch)
    finishing = kept.rows(range(len(chosen.indices)))
    told = held.as_ui(kept, chosen)
    kept = held.scored(kept, map(seeds.index, kept.seeds), judge.selection.criterion)
    return _Elected(finishing, kept, held.raced.mask, told)


def _shown(found: Candidates, judge: Judge) -> Shown:
    """The election, held only where anything but the choice has changed."""
    selection, window = judge.selection, judge.window
    objects, settings = identity(selection)
    made_of = (found.tape, *objects)
    return KEPT.get(made_of, (window, settings), lambda: _held(found, judge))


def _held(found: Candidates, judge: Judge) -> Shown:
    selection, relevance = judge.selection, None
    if selection.needs_relevance():
        size = image_size(found.run, selection.source_image)
        relevance = to_mask(relevance_weight(found, judge.window), *size)
    latents = found.estimates()
    region = selection.region(found.run, relevance, latents, judge.origin)
    return hold_election(found, latents, region, judge.origin, selection)


NODES: list[type[io.ComfyNode]] = [ELECTSampler]
