"""Where a run begins: its noise levels, and the noise that the source itself comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from ..host.tino.continuous import Scale
    from .inputs import Given

DRAWN, INVERTED = "drawn from seed", "the source's own (inverted)"
FIRST_NOISES = (DRAWN, INVERTED)


def first_timesteps(sigmas: Tensor | None, scale: Scale) -> tuple[float, ...] | None:
    """The t_k, rising, of SIGMAS (K + 1,) or (K,); None where there are none.

    Raises ValueError where they do not fall.
    """
    if sigmas is None:
        return None
    levels = sigmas.flatten().float()
    levels = levels[levels > 0]
    if not len(levels) or not bool((levels.diff() < 0).all()):
        raise ValueError(
            f"sigmas: expected one noise level or more, each below the one before, got "
            f"{sigmas.flatten().tolist()}. Connect a scheduler node, or take it away to use "
            "num_steps and strength."
        )
    return tuple(scale.timestep(levels).flip(0).tolist())


def source_shown(given: Given) -> list | None:
    """CONDITIONING of what the source shows, where its own noise is wanted; else None.

    Raises ValueError where nobody says what it shows.
    """
    if given.first_noise == DRAWN:
        return None
    if given.source_text is not None:
        return given.source_text
    if given.clip is None or not given.source_prompt:
        raise ValueError(
            f"first_noise: {INVERTED} needs to know what the source shows. Connect source_text, or "
            "clip with source_prompt; or choose drawn from seed."
        )
    return given.clip.encode_from_tokens_scheduled(given.clip.tokenize(given.source_prompt))
