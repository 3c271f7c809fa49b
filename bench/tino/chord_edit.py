"""ChordEdit (Lu et al., CVPR 2026, 2601.14115): one low-energy move, a baseline of few steps.

The source is noised once, at two levels that lie near each other. The difference of what the model
sees there by the two texts, weighted over the two, is the move; a last look at a low level, by the
target's text, cleans the result.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ...tino_core.settings import Settings
from .between_texts import Denoise, by_texts
from .methods import Inputs, Result
from .models import TinoBench

TIME, SPAN, CLEANED_AT = 0.90, 0.15, 0.30
"""The authors' numbers for SD-Turbo, shares of the training timesteps."""
NUM_CALLS = 5


def chord_edit(
    by_source: Denoise,
    by_target: Denoise,
    begin: Tensor,
    sigmas: Tensor,
    fresh_noise: Callable[[], Tensor],
) -> Tensor:
    """The edit (B, C, h, w) of `begin`, by texts of what it shows and of what it shall show.

    ``x = begin + (d u(t) + t u(t - d)) / (t + d)``, u the difference of the two estimates

    sigmas (3,): of the times t, t - d and of the last look
    """
    noise = fresh_noise()

    def difference(sigma: Tensor) -> Tensor:
        x = begin + sigma * noise
        return by_target(x, sigma) - by_source(x, sigma)

    at, before, last = sigmas
    moved = (SPAN * difference(at) + TIME * difference(before)) / (TIME + SPAN)
    return by_target(begin + moved + last * noise, last)


def by_chord_edit(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """ChordEdit at the authors' times; settings are not looked at."""
    sampling = bench.unet(inputs.setup.model).get_model_object("model_sampling")
    times = torch.tensor([TIME, TIME - SPAN, CLEANED_AT])
    sigmas = sampling.sigma((times * (len(sampling.sigmas) - 1)).round())
    return by_texts(chord_edit, bench, inputs, sigmas)
