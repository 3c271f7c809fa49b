"""What TiNOOptimize is given: its inputs as ComfyUI shows them, and as one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io

from ...tino_core.losses import PAPER
from ...tino_core.settings import RESULTS
from ..menu import MAX_SEED
from .latent_models import FeatureModel, LatentClipType, LatentVggType
from .presets import AS_SET, PRESETS
from .text_spaces import TEXT_LOSS_CHOICES

ALL = "all"


@dataclass(frozen=True)
class Given:
    """The inputs of one run by their names on the node, see `optimise_inputs`."""

    model: Any
    positive: list
    source: dict
    cfg: float
    num_steps: int
    strength: float
    iterations: int
    seed: int
    lr_timesteps: float
    lr_noise: float
    weight_decay: float
    semantic_weight: float
    perceptual_weight: float
    reference_weight: float
    source_prompt: str = ""
    target_prompt: str = ""
    negative: list | None = None
    mask: Any = None
    latent_clip: FeatureModel | None = None
    latent_vgg: FeatureModel | None = None
    clip: Any = None
    source_text: list | None = None
    target_text: list | None = None
    reference: dict | None = None
    start: dict | None = None
    signed: bool = False
    gradient_steps: int = 0
    patience: int = 0
    result: str = "best"
    # What is missing in a saved prompt is from before these inputs, and keeps its meaning.
    text_loss: str = PAPER
    tries: int = 1
    smoothing: int = 0
    keep_norm: bool = False
    preset: str = AS_SET


def optimise_inputs() -> list[io.Input]:
    """The inputs of TiNOOptimize. Their order is permanent, since saved workflows rely on it."""
    number = {"min": 0.0, "max": 100.0, "step": 0.01, "round": False}
    return [
        io.Model.Input("model", tooltip="SD 1.5, SD 2.1, SDXL or the embedded model."),
        io.Conditioning.Input("positive", tooltip="What the result shall show."),
        io.Latent.Input("source", tooltip="The picture to edit; a batch is edited side by side."),
        io.Float.Input(
            "cfg",
            default=1.0,
            min=0.0,
            max=100.0,
            step=0.1,
            tooltip="Guidance. 1 is the paper's and takes half the time; more needs negative.",
        ),
        io.Int.Input(
            "num_steps", default=10, min=1, max=100, tooltip="Denoising steps of each try (K)."
        ),
        io.Float.Input(
            "strength",
            default=0.75,
            min=0.01,
            max=1.0,
            step=0.01,
            tooltip="Share of the noise schedule to start from, above 0 to 1 (T).",
        ),
        io.Int.Input(
            "iterations",
            default=50,
            min=0,
            max=1000,
            tooltip="Updates of noise and timesteps (W); 0 is plain blended image to image.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=MAX_SEED,
            control_after_generate=True,
            tooltip="Of the noise that the optimisation begins with.",
        ),
        io.Float.Input(
            "lr_timesteps",
            default=1.0,
            tooltip="Step size for the timesteps, on their scale of 0 to 999; 0 keeps them.",
            **number,
        ),
        io.Float.Input(
            "lr_noise",
            default=0.005,
            tooltip="Step size for the noise; 0 keeps it.",
            **{**number, "step": 0.001},
        ),
        io.Float.Input(
            "weight_decay",
            default=0.0,
            tooltip="Of both optimisers. 0.01 (AdamW's own) also drags the timesteps down.",
            **{**number, "step": 0.001},
        ),
        io.Float.Input("semantic_weight", default=1.0, tooltip="Of the text's change.", **number),
        io.Float.Input(
            "perceptual_weight", default=0.5, tooltip="Of staying near the source.", **number
        ),
        io.Float.Input(
            "reference_weight", default=1.0, tooltip="Of likeness to the reference.", **number
        ),
        io.String.Input(
            "source_prompt", default="", optional=True, tooltip="What the picture shows now."
        ),
        io.String.Input(
            "target_prompt", default="", optional=True, tooltip="What it shall show; see positive."
        ),
        io.Conditioning.Input("negative", optional=True, tooltip="For cfg other than 1."),
        io.Mask.Input("mask", optional=True, tooltip="1 = edited; see TiNOMask. None: everything."),
        LatentClipType.Input("latent_clip", optional=True, tooltip="For text and reference edits."),
        LatentVggType.Input("latent_vgg", optional=True, tooltip="For the perceptual loss."),
        io.Clip.Input("clip", optional=True, tooltip="Reads source_prompt and target_prompt."),
        io.Conditioning.Input(
            "source_text", optional=True, tooltip="In place of source_prompt; with target_text."
        ),
        io.Conditioning.Input("target_text", optional=True, tooltip="In place of target_prompt."),
        io.Latent.Input("reference", optional=True, tooltip="What the result shall resemble."),
        io.Latent.Input(
            "start", optional=True, tooltip="The picture with strokes or pasted parts, encoded."
        ),
        io.Boolean.Input(
            "signed",
            default=False,
            optional=True,
            tooltip="The semantic loss as printed in the paper (Eq. 4), without absolute value.",
        ),
        io.Int.Input(
            "gradient_steps",
            default=0,
            min=0,
            max=100,
            optional=True,
            tooltip="Gradients through the last so many steps only; 0 is all. Saves time.",
        ),
        io.Int.Input(
            "patience",
            default=0,
            min=0,
            max=1000,
            optional=True,
            tooltip="End after so many iterations without a better loss; 0 is never.",
        ),
        io.Combo.Input(
            "result",
            options=[*RESULTS, ALL],
            default="best",
            optional=True,
            tooltip="best: lowest loss. last: the last iteration. all: every iteration as a batch.",
        ),
        io.Combo.Input(
            "text_loss",
            options=list(TEXT_LOSS_CHOICES),
            default=PAPER,
            optional=True,
            tooltip="automatic: towards the target where texts and LatentCLIP share a space (see "
            "help), else the paper's, which has no direction.",
        ),
        io.Int.Input(
            "tries",
            default=1,
            min=1,
            max=256,
            optional=True,
            tooltip="First noises (seed, seed + 1, ...), one pass each; the one with the lowest "
            "loss goes on.",
        ),
        io.Int.Input(
            "smoothing",
            default=0,
            min=0,
            max=64,
            optional=True,
            tooltip="Average the CLIP losses over so many noisy copies of the result; 0 is off.",
        ),
        io.Boolean.Input(
            "keep_norm",
            default=False,
            optional=True,
            tooltip="Keep the norm of the noise, outside of which the model does not know it.",
        ),
        io.Combo.Input(
            "preset",
            options=[AS_SET, *PRESETS],
            default=AS_SET,
            optional=True,
            tooltip="In place of the numbers above: the paper's, or what was best here.",
        ),
    ]
