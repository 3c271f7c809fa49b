"""What TiNOOptimize is given: its inputs as ComfyUI shows them, and as one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io

from ...tino_core.losses import PAPER
from ..inputs import given
from .beginnings import DRAWN, FIRST_NOISES
from .optimisers import ADAMW, OPTIMISERS
from .paper_inputs import OfThePaper
from .preset_type import TinoPresetType
from .presets import AS_SET, PRESETS, TRIES
from .rewards import TinoRewardType
from .text_spaces import TEXT_LOSS_CHOICES


@dataclass(frozen=True)
class Given(OfThePaper):
    """The inputs of one run. Names and order are permanent, since saved workflows rely on them.

    What a saved prompt lacks is from before that input; its default keeps the prompt's meaning.
    """

    text_loss: str = given(
        io.Combo,
        options=list(TEXT_LOSS_CHOICES),
        default=PAPER,
        optional=True,
        tooltip="automatic: towards the target where texts and LatentCLIP share a space (see "
        "help), else the paper's, which has no direction.",
    )
    tries: int = given(
        io.Int,
        default=1,
        min=1,
        max=256,
        optional=True,
        tooltip="First noises (seed, seed + 1, ...), one pass each; the one with the lowest "
        "loss goes on.",
    )
    smoothing: int = given(
        io.Int,
        default=0,
        min=0,
        max=64,
        optional=True,
        tooltip="Average the CLIP losses over so many noisy copies of the result; 0 is off.",
    )
    keep_norm: bool = given(
        io.Boolean,
        default=False,
        optional=True,
        tooltip="Keep the norm of the noise, outside of which the model does not know it.",
    )
    preset: str = given(
        io.Combo,
        options=[AS_SET, *PRESETS],
        default=TRIES,
        lacking=AS_SET,
        optional=True,
        tooltip="In place of the numbers above: the paper's, or what was best here.",
    )
    defaults: dict[str, Any] | None = given(
        TinoPresetType,
        optional=True,
        tooltip="From TiNOPreset, which sets the numbers for a kind of edit.",
    )
    optimiser: str = given(
        io.Combo,
        options=list(OPTIMISERS),
        default=ADAMW,
        optional=True,
        tooltip="How the noise moves. Clipped: along the gradient with momentum, lr_noise about 5 "
        "(ReNO). Normalised: each update as long. Through the loss only: no gradients through the "
        "MODEL, so any MODEL, little memory (FlowOpt).",
    )
    gradient_norm: float = given(
        io.Float,
        default=0.1,
        min=0.001,
        max=1000.0,
        step=0.001,
        round=False,
        optional=True,
        tooltip="Clipped, normalised: the norm that gradients are cut or brought to; times "
        "lr_noise it is the length of a first step.",
    )
    longest_step: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=1000.0,
        step=0.01,
        round=False,
        optional=True,
        tooltip="L2 length to which an update of a picture's noise is cut; 0 is no limit. The "
        "text output says how long they were.",
    )
    white_noise: bool = given(
        io.Boolean,
        default=False,
        optional=True,
        tooltip="Keep the noise's spectrum that of white noise (Fourier domain); keep_norm keeps "
        "its norm alone.",
    )
    least_gain: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=0.99,
        step=0.01,
        optional=True,
        tooltip="With patience: an iteration counts as better only when the loss fell by this "
        "share of its fall so far. 0.05 ends a run where the gain ends.",
    )
    reward: Any = given(
        TinoRewardType,
        optional=True,
        tooltip="Scores of the result that updates raise, from TiNOReward or a node of yours.",
    )
    first_noise: str = given(
        io.Combo,
        options=list(FIRST_NOISES),
        default=DRAWN,
        optional=True,
        tooltip="Inverted: the noise that the source comes from, where FlowOpt begins; keeps more "
        "of it. Costs three passes.",
    )
    sigmas: Any = given(
        io.Sigmas,
        optional=True,
        tooltip="Noise levels in place of num_steps and strength, for models of one to four "
        "steps (Turbo, LCM, Lightning, Hyper).",
    )
