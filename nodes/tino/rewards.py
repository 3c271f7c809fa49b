"""Rewards: differentiable scores of a result that a user adds to the loss of TiNOOptimize.

A reward is anything with `score`, see `Reward`; `docs/library.md` has one from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io
from torch import Tensor

from ...tino_core.scores import SCORES
from ..menu import TINO
from .latent_models import little
from .pictures import decoded, decoder_memory, previewed


@io.comfytype(io_type="TINO_REWARD")
class TinoRewardType(io.ComfyTypeIO):
    """One `Reward`, or several in a list."""

    Type = object


@dataclass(frozen=True)
class Reward:
    """A score that updates raise.

    score: ``latents (B, C, h, w) in the model's scale -> (B,)``, differentiable; more is better
    weight: below 0 asks for less; patchers: models that ComfyUI has to load for it
    memory: bytes that its gradients keep for a latent's shape
    """

    score: Callable[[Tensor], Tensor]
    name: str = "reward"
    weight: float = 1.0
    patchers: tuple[ModelPatcher, ...] = ()
    memory: Callable[[Sequence[int]], float] = little

    def loss(self, x0: Tensor) -> Tensor:
        """What falls as the score rises, (B,); ValueError where the score is of another shape."""
        found = self.score(x0)
        if found.shape != (len(x0),):
            raise ValueError(
                f"reward: {self.name} gave a score of shape {tuple(found.shape)}, expected "
                f"({len(x0)},), one number a picture."
            )
        return -self.weight * found


def read_rewards(given: Any) -> tuple[Reward, ...]:
    """Rewards of what is connected: none, one, or several, ours or objects like them."""
    if given is None:
        return ()
    several = given if isinstance(given, list | tuple) else [given]
    return tuple(map(_as_reward, several))


def _as_reward(one: Any) -> Reward:
    if isinstance(one, Reward):
        return one
    if not callable(getattr(one, "score", None)):
        raise ValueError(
            f"reward: expected an object with score(latents (B, C, h, w)) -> (B,), got "
            f"{type(one).__name__}; docs/library.md shows one."
        )
    plain = Reward(one.score)
    names = ("score", "name", "weight", "patchers", "memory")
    return Reward(*(getattr(one, name, getattr(plain, name)) for name in names))


class TiNOReward(io.ComfyNode):
    """Simple looks of the result as rewards."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TiNOReward",
            display_name="TiNO Reward",
            category=TINO,
            description="Asks TiNO Optimize for more (or less) of a look of the result, beside or "
            "in place of its other losses. An example for rewards of your own: docs/library.md.",
            inputs=[
                io.Combo.Input(
                    "look",
                    options=list(SCORES),
                    default="saturation",
                    tooltip="saturation, brightness, contrast, or warmth (red less blue).",
                ),
                io.Float.Input(
                    "weight",
                    default=1.0,
                    min=-100.0,
                    max=100.0,
                    step=0.01,
                    tooltip="Beside the other losses; below 0 asks for less of it.",
                ),
                io.Model.Input("model", tooltip="The MODEL that is optimised."),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="Decodes each result: exact, but slow. Without it, the linear map of "
                    "ComfyUI's previews.",
                ),
                TinoRewardType.Input(
                    "reward", optional=True, tooltip="Further rewards, to count beside this one."
                ),
            ],
            outputs=[TinoRewardType.Output(display_name="reward")],
        )

    @classmethod
    def execute(cls, look, weight, model, vae=None, reward=None) -> io.NodeOutput:
        form, score = model.model.latent_format, SCORES[look]
        before = read_rewards(reward)
        if vae is None:
            picture, more = partial(previewed, form), Reward(score)
        else:
            picture = partial(decoded, vae, form)
            more = Reward(score, patchers=(vae.patcher,), memory=decoder_memory(vae))
        own = Reward(lambda x: score(picture(x)), look, weight, more.patchers, more.memory)
        return io.NodeOutput((*before, own))


NODES: list[type[io.ComfyNode]] = [TiNOReward]
