"""FlowEdit (Kulikov et al., 2412.08629): from source to target without inversion, a baseline.

At each noise level the source is noised afresh, and the edit moves by the difference of the two
velocities, that of the target's text at the edit and that of the source's text at the source.
"""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from ...tino_core.settings import Settings
from .between_texts import Denoise, by_texts
from .methods import Inputs, Result, falling_sigmas
from .models import TinoBench


def flow_edit(
    by_source: Denoise,
    by_target: Denoise,
    begin: Tensor,
    sigmas: Tensor,
    fresh_noise: Callable[[], Tensor],
) -> Tensor:
    """The edit (B, C, h, w) of `begin`, by texts of what it shows and of what it shall show.

    On the flow's scale ``z = (1 - s) x0 + s e`` with s = sigma / (1 + sigma), so for any model.
    sigmas (K + 1,): falling to 0
    """
    levels = sigmas / (1 + sigmas)
    edit = begin
    for sigma, s, following in zip(sigmas[:-1], levels[:-1], levels[1:], strict=True):
        noised = (1 - s) * begin + s * fresh_noise()
        moved = noised + edit - begin
        source, target = (
            (z - ask(z / (1 - s), sigma)) / s
            for z, ask in ((noised, by_source), (moved, by_target))
        )
        edit = edit + (following - s) * (target - source)
    return edit


def by_flow_edit(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """FlowEdit from the noise level of T, K steps."""
    sigmas = falling_sigmas(bench, replace(settings, iterations=0))
    return by_texts(flow_edit, bench, inputs, sigmas)
