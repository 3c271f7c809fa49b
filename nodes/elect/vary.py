"""VarySeed, RerollRegion: new candidates near a chosen one, or new only inside a region."""

from __future__ import annotations

from dataclasses import dataclass, replace

from comfy_api.latest import io

from ...elect_core.blend import feathered
from ...elect_core.schedule import step_count
from ..host.elect.noise import NoiseRule, RegionNoise, VariedNoise
from ..host.elect.run import Run
from ..host.latents import check_mask, mask_like, match_source
from ..inputs import given, inputs, takes_records
from ..menu import ELECT, MAX_SEED
from .candidates import describe, run_candidates
from .finishing import MAX_FEATHER
from .plan import plan
from .pool import Pool, one_run
from .relevance import image_size
from .sampling import MAX_CANDIDATES, per_batch
from .types import Candidates, ElectCandidates


@dataclass(frozen=True)
class Anew:
    """The inputs that say how many new candidates are run."""

    first_seed: int = given(
        io.Int,
        default=0,
        min=0,
        max=MAX_SEED,
        control_after_generate=True,
        tooltip="Seed of the first new candidate's fresh noise; the others follow by ones.",
    )
    num_candidates: int = given(
        io.Int, default=4, min=1, max=MAX_CANDIDATES, tooltip="New candidates, 1 to 64."
    )
    candidates_per_batch: int = per_batch()

    def run(self, run: Run, stop_step: int) -> Candidates:
        """The new candidates, run to the stop."""
        seeds = [(self.first_seed + k) % (MAX_SEED + 1) for k in range(self.num_candidates)]
        return run_candidates(plan(run, seeds, stop_step, self.candidates_per_batch))


def _chosen(candidates: Candidates | Pool, node: str) -> Candidates:
    """The first candidate alone, in its own run."""
    return one_run(candidates.rows([0]), node)


def _with_noise(run: Run, noise: NoiseRule) -> Run:
    return replace(run, noise=noise)


class VarySeed(io.ComfyNode):
    """Runs candidates whose noise lies near that of a chosen one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="VarySeed",
            display_name="Vary Seed (ELECT)",
            category=ELECT,
            description="New candidates near a chosen one: its noise, turned a little towards "
            "fresh noise, as variation seeds do.",
            inputs=[
                ElectCandidates.Input(
                    "candidates", tooltip="From BISSelect; the first of them is varied."
                ),
                io.Float.Input(
                    "strength",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How far from it: 0 is its own noise, 1 quite another.",
                ),
                *inputs(Anew),
            ],
            outputs=[ElectCandidates.Output(display_name="candidates")],
        )

    @classmethod
    @takes_records()
    def execute(cls, candidates: Candidates | Pool, strength: float, anew: Anew) -> io.NodeOutput:
        if not 0 <= strength <= 1:
            raise ValueError(f"strength: expected 0 to 1, got {strength}.")
        chosen = _chosen(candidates, "VarySeed")
        near = chosen.run.initial_noise(chosen.seeds)
        run = _with_noise(chosen.run, VariedNoise(near, strength))
        found = anew.run(run, chosen.stop_step)
        return io.NodeOutput(found, ui={"text": (describe(found),)})


@dataclass(frozen=True)
class Region:
    """The inputs that say where and from how far back new candidates are run."""

    mask: object = given(
        io.Mask, tooltip="What is rolled anew (1); the rest of the picture is kept."
    )
    restart: float = given(
        io.Float,
        default=0.3,
        min=0.01,
        max=0.99,
        step=0.01,
        tooltip="Where the new candidates begin, as a fraction of the steps: 0.01 is nearly anew, "
        "0.99 hardly another.",
    )
    stop: float = given(
        io.Float,
        default=0.5,
        min=0.01,
        max=1.0,
        step=0.01,
        tooltip="How far the new candidates are run, as a fraction of the steps from there.",
    )
    feather: int = given(
        io.Int,
        default=16,
        min=0,
        max=MAX_FEATHER,
        tooltip="How far outside the mask its edge reaches, in pixels; 0 to 256. Inside nothing of "
        "the old picture is held.",
    )

    def of(self, chosen: Candidates, picture: dict | None) -> Run:
        """The run of new candidates that keep a chosen one outside the mask."""
        run, samples = chosen.run, chosen.run.latent["samples"]
        start = step_count(self.restart, run.num_steps, "restart")
        if start >= run.num_steps:
            raise ValueError(
                f"restart: {self.restart:g} of {run.num_steps} steps leaves none to run. Lower it."
            )
        mask = check_mask(self.mask, *image_size(run, None))  # type: ignore[arg-type]
        soft = feathered(mask, self.feather)
        kept = chosen.estimates() if picture is None else picture["samples"]
        latent = {
            **run.latent,
            "samples": match_source(kept, samples, "picture"),
            "noise_mask": soft[:1],
        }
        noise = RegionNoise(run.initial_noise(chosen.seeds), mask_like(soft[:1], samples))
        return replace(run, sigmas=run.sigmas[start:], latent=latent, noise=noise)


class RerollRegion(io.ComfyNode):
    """Runs candidates that keep a chosen one but for a region."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RerollRegion",
            display_name="Re-roll the Region (ELECT)",
            category=ELECT,
            description="Keeps a chosen candidate, its noise too, and rolls only a region anew, "
            "from a middle noise level on.",
            inputs=[
                ElectCandidates.Input(
                    "candidates", tooltip="From BISSelect; the first of them is kept."
                ),
                *inputs(Region),
                *inputs(Anew),
                io.Latent.Input(
                    "picture",
                    optional=True,
                    tooltip="The candidate's finished latent, from ResumeDenoise; its estimate at "
                    "the stop where left out.",
                ),
            ],
            outputs=[ElectCandidates.Output(display_name="candidates")],
        )

    @classmethod
    @takes_records()
    def execute(
        cls, candidates: Candidates | Pool, region: Region, anew: Anew, picture=None
    ) -> io.NodeOutput:
        run = region.of(_chosen(candidates, "RerollRegion"), picture)
        found = anew.run(run, step_count(region.stop, run.num_steps))
        return io.NodeOutput(found, ui={"text": (describe(found),)})


NODES: list[type[io.ComfyNode]] = [VarySeed, RerollRegion]
