"""What a candidate sampler is given, and the check of it: the first stop of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...elect_core.schedule import step_count, step_of_sigma
from ..host.conditions import has_image
from ..host.elect.batching import refuse_dice, refuse_sampler
from ..host.elect.noise import noise_rule
from ..host.elect.run import Run
from ..host.elect.texts import MOST_JITTER
from ..host.latents import single_latent
from ..inputs import given
from ..menu import MAX_SEED

MAX_CANDIDATES = 64
BIT_EQUAL = "1 makes each bit-equal to its seed alone."


def per_batch(more: str = "") -> Any:
    """The input that says how many candidates run side by side."""
    text = f"Candidates run side by side; 0 sizes the batch by free memory. {more}".rstrip()
    return given(io.Int, default=0, min=0, max=MAX_CANDIDATES, tooltip=text)


def stop_level() -> Any:
    """The input of a noise level to stop at."""
    return given(
        io.Float,
        default=0.0,
        min=0.0,
        max=10000.0,
        step=0.01,
        round=False,
        optional=True,
        tooltip="Stop at this noise level in place of a fraction; 0 uses stop.",
    )


def ram_limit() -> Any:
    """The input that bounds the recorded candidates."""
    return given(
        io.Int,
        default=0,
        min=0,
        max=1 << 20,
        optional=True,
        tooltip="Refuse to hold more than this many MB of recorded candidates; 0 is no limit.",
    )


def step_to_stop(sigmas: Tensor, stop: float, stop_sigma: float) -> int:
    """Steps to run, to a noise level where one is given, else to the fraction."""
    if stop_sigma > 0:
        return step_of_sigma(sigmas, stop_sigma)
    return step_count(stop, len(sigmas) - 1)


@dataclass(frozen=True)
class Sampling:
    """The inputs that say what is run."""

    guider: Any = given(io.Guider, tooltip="Model, conditionings and cfg, as for any sampler.")
    sampler: Any = given(
        io.Sampler,
        tooltip="Any sampler that keeps to sigmas; dpm_fast, dpm_adaptive and "
        "SamplerLCMUpscale are refused.",
    )
    sigmas: Any = given(io.Sigmas, tooltip="The whole schedule, also of the steps after the stop.")
    latent_image: Any = given(io.Latent, tooltip="Latent of one picture, as for any sampler.")
    first_seed: int = given(
        io.Int,
        default=0,
        min=0,
        max=MAX_SEED,
        control_after_generate=True,
        tooltip="Seed of the first candidate; the others follow by ones. Keep it fixed to "
        "change later nodes without running the candidates again.",
    )
    num_candidates: int = given(
        io.Int,
        default=8,
        min=1,
        max=MAX_CANDIDATES,
        tooltip="Candidate seeds, 1 to 64. 1 is an ordinary run.",
    )
    stop: float = given(
        io.Float,
        default=0.4,
        min=0.01,
        max=1.0,
        step=0.01,
        tooltip="Fraction of the steps each candidate is run, above 0 to 1. "
        "1 finishes them all (Best-of-N).",
    )
    relevance_window: float = given(
        io.Float,
        default=0.2,
        min=0.01,
        max=1.0,
        step=0.01,
        tooltip="Fraction of the steps, from the first, in which a null conditioning (if "
        "connected) gets its extra model pass.",
    )
    candidates_per_batch: int = per_batch(BIT_EQUAL)
    seeds: str = given(
        io.String,
        default="",
        optional=True,
        tooltip="Explicit seeds, separated by commas. Where given, first_seed and "
        "num_candidates are not used.",
    )
    stop_sigma: float = stop_level()
    ram_limit_mb: int = ram_limit()
    null: Any = given(
        io.Conditioning,
        optional=True,
        tooltip="Conditioning of an empty text, for models that run without a negative (cfg "
        "1): it gives the relevance map its signal. Wins over the guider's own negative.",
    )

    def chosen_seeds(self) -> list[int]:
        """The explicit list where there is one, else `num_candidates` from `first_seed` on."""
        listed = parse_seeds(self.seeds)
        if listed:
            return listed
        number = self.num_candidates
        if not 1 <= number <= MAX_CANDIDATES:
            raise ValueError(f"num_candidates: expected 1 to {MAX_CANDIDATES}, got {number}.")
        return [(self.first_seed + k) % (MAX_SEED + 1) for k in range(number)]

    def stop_step(self) -> int:
        """Steps to run."""
        return step_to_stop(self.sigmas, self.stop, self.stop_sigma)


def parse_seeds(text: str) -> list[int]:
    """Seeds from a list separated by commas, spaces or lines; ValueError names the bad part."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    for word in words:
        if not word.isdecimal() or int(word) > MAX_SEED:
            raise ValueError(
                f"seeds: expected whole numbers from 0 to {MAX_SEED}, separated by commas, "
                f"got {word!r}."
            )
    seeds = [int(word) for word in words]
    if len(seeds) > MAX_CANDIDATES:
        raise ValueError(f"seeds: expected at most {MAX_CANDIDATES} seeds, got {len(seeds)}.")
    doubled = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if doubled:
        raise ValueError(f"seeds: each seed may be listed once, got {doubled} more than once.")
    return seeds


def _refuse_empty_mask(noise_mask: Any, num_candidates: int) -> None:
    if noise_mask is not None and num_candidates > 1 and not bool(noise_mask.any()):
        raise ValueError(
            "latent_image: its noise mask is empty, so nothing may change and every seed gives the "
            "same picture. Paint what may be edited, or leave the mask out."
        )


@dataclass(frozen=True)
class Drawn:
    """The inputs that say how candidates differ; after a node's other inputs."""

    noise: Any = given(
        io.Noise,
        optional=True,
        tooltip="A NOISE to draw each candidate's like, with the candidate's seed in the place of "
        "its own. RandomNoise is as without.",
    )
    text_jitter: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=MOST_JITTER,
        step=0.05,
        optional=True,
        tooltip="Moves each candidate's text too, by its seed: for models of few steps, which give "
        "nearly one picture for all seeds. As a share of the text's own length; 0 is off.",
    )

    def check(self) -> None:
        """Raise ValueError naming the input."""
        if not 0 <= self.text_jitter <= MOST_JITTER:
            raise ValueError(f"text_jitter: expected 0 to {MOST_JITTER:g}, got {self.text_jitter}.")


def check(
    sampling: Sampling, window_name: str = "relevance_window", drawn: Drawn | None = None
) -> Run:
    """What the candidates will share; each ValueError names the input to change.

    window_name: the input that `relevance_window` is on this node; drawn: how they differ
    """
    drawn = drawn or Drawn()
    drawn.check()
    guider, sigmas = sampling.guider, sampling.sigmas
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError(f"sigmas: expected at least one step, got {max(0, len(sigmas) - 1)}.")
    refuse_sampler(sampling.sampler)
    refuse_dice(guider.model_options)
    latent = single_latent(guider.model_patcher, sampling.latent_image)
    _refuse_empty_mask(latent.get("noise_mask"), len(sampling.chosen_seeds()))
    if not has_image(guider.original_conds, latent["samples"]):
        raise ValueError(
            "guider: neither its positive conditioning nor latent_image shows the model a source "
            "picture, so there is nothing to edit. Pass the conditioning through "
            "InstructPixToPixConditioning, ReferenceLatent or the like."
        )
    window_step = step_count(sampling.relevance_window, len(sigmas) - 1, window_name)
    noise = noise_rule(drawn.noise, latent)
    shared = (guider, sampling.sampler, sigmas, latent, window_step, sampling.null, noise)
    run = Run(*shared, drawn.text_jitter)
    run.conds([0])  # refuses what cannot be moved
    return run
