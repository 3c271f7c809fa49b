"""What TiNOOptimize is given that is the paper's: names, defaults and tooltips of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io

from ...tino_core.settings import RESULTS
from ..inputs import given
from ..menu import MAX_SEED
from .latent_models import FeatureModel, LatentClipType, LatentVggType

ALL = "all"
_NUMBER = {"min": 0.0, "max": 100.0, "step": 0.01, "round": False}
_FINE = {**_NUMBER, "step": 0.001}


@dataclass(frozen=True)
class OfThePaper:
    """The inputs that the method as published has. Names and order are permanent."""

    model: Any = given(io.Model, tooltip="SD 1.5, SD 2.1, SDXL or the embedded model.")
    positive: list = given(io.Conditioning, tooltip="What the result shall show.")
    source: dict = given(io.Latent, tooltip="The picture to edit; a batch is edited side by side.")
    cfg: float = given(
        io.Float,
        default=1.0,
        min=0.0,
        max=100.0,
        step=0.1,
        tooltip="Guidance. 1 is the paper's and takes half the time; more needs negative.",
    )
    num_steps: int = given(
        io.Int,
        default=10,
        min=1,
        max=100,
        tooltip="Denoising steps of each try (K).",
    )
    strength: float = given(
        io.Float,
        default=0.75,
        min=0.01,
        max=1.0,
        step=0.01,
        tooltip="Share of the noise schedule to start from, above 0 to 1 (T).",
    )
    iterations: int = given(
        io.Int,
        default=50,
        min=0,
        max=1000,
        tooltip="Updates of noise and timesteps (W); 0 is plain blended image to image.",
    )
    seed: int = given(
        io.Int,
        default=0,
        min=0,
        max=MAX_SEED,
        control_after_generate=True,
        tooltip="Of the noise that the optimisation begins with.",
    )
    lr_timesteps: float = given(
        io.Float,
        default=1.0,
        tooltip="Step size for the timesteps, on their scale of 0 to 999; 0 keeps them.",
        **_NUMBER,
    )
    lr_noise: float = given(
        io.Float,
        default=0.005,
        tooltip="Step size for the noise; 0 keeps it. What it means depends on optimiser.",
        **_FINE,
    )
    weight_decay: float = given(
        io.Float,
        default=0.0,
        tooltip="Of both optimisers. 0.01 (AdamW's own) also drags the timesteps down.",
        **_FINE,
    )
    semantic_weight: float = given(
        io.Float, default=1.0, tooltip="Of the text's change.", **_NUMBER
    )
    perceptual_weight: float = given(
        io.Float, default=0.5, tooltip="Of staying near the source.", **_NUMBER
    )
    reference_weight: float = given(
        io.Float,
        default=1.0,
        tooltip="Of likeness to the reference.",
        **_NUMBER,
    )
    source_prompt: str = given(
        io.String, default="", optional=True, tooltip="What the picture shows now."
    )
    target_prompt: str = given(
        io.String, default="", optional=True, tooltip="What it shall show; see positive."
    )
    negative: list | None = given(io.Conditioning, optional=True, tooltip="For cfg other than 1.")
    mask: Any = given(io.Mask, optional=True, tooltip="1 = edited; see TiNOMask. None: everything.")
    latent_clip: FeatureModel | None = given(
        LatentClipType, optional=True, tooltip="For text and reference edits."
    )
    latent_vgg: FeatureModel | None = given(
        LatentVggType, optional=True, tooltip="For the perceptual loss."
    )
    clip: Any = given(io.Clip, optional=True, tooltip="Reads source_prompt and target_prompt.")
    source_text: list | None = given(
        io.Conditioning,
        optional=True,
        tooltip="In place of source_prompt; with target_text.",
    )
    target_text: list | None = given(
        io.Conditioning,
        optional=True,
        tooltip="In place of target_prompt.",
    )
    reference: dict | None = given(
        io.Latent, optional=True, tooltip="What the result shall resemble."
    )
    start: dict | None = given(
        io.Latent, optional=True, tooltip="The picture with strokes or pasted parts, encoded."
    )
    signed: bool = given(
        io.Boolean,
        default=False,
        optional=True,
        tooltip="The semantic loss as printed in the paper (Eq. 4), without absolute value.",
    )
    gradient_steps: int = given(
        io.Int,
        default=0,
        min=0,
        max=100,
        optional=True,
        tooltip="Gradients through the last so many steps only; 0 is all. Saves time.",
    )
    patience: int = given(
        io.Int,
        default=0,
        min=0,
        max=1000,
        optional=True,
        tooltip="End after so many iterations without a better loss; 0 is never.",
    )
    result: str = given(
        io.Combo,
        options=[*RESULTS, ALL],
        default="best",
        optional=True,
        tooltip="best: lowest loss. last: the last iteration. all: every iteration as a batch.",
    )
