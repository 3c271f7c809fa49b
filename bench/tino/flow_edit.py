"""FlowEdit (Kulikov et al., 2412.08629): from source to target without inversion, a baseline.

At each noise level the source is noised afresh, and the edit moves by the difference of the two
velocities, that of the target's text at the edit and that of the source's text at the source.
"""

from collections.abc import Callable
from dataclasses import replace

import comfy.samplers
import torch
from torch import Tensor

from ...tino_core.denoise import blend
from ...tino_core.settings import Settings
from .blended import noises
from .methods import Inputs, Result, falling_sigmas
from .models import TinoBench

Denoise = Callable[[Tensor, Tensor], Tensor]
"""``x = x0 + sigma e (B, C, h, w), sigma () -> denoised``"""


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


class FlowEdit(comfy.samplers.Sampler):
    """The same as a SAMPLER of a guider with the conditions target, source and, guided, empty."""

    def __init__(self, inputs: Inputs):
        self.inputs = inputs

    def sample(
        self,
        model_wrap,
        sigmas,
        extra_args,
        callback,
        noise,
        latent_image=None,
        denoise_mask=None,
        disable_pbar=False,
    ):
        assert latent_image is not None
        base, conds, inputs = model_wrap.inner_model, model_wrap.conds, self.inputs
        mask, begin = inputs.mask.to(latent_image), latent_image
        if inputs.start is not None:
            begin = base.process_latent_in(inputs.start.to(latent_image))

        def ask(names: list[str]) -> Denoise:
            def denoised(x: Tensor, sigma: Tensor) -> Tensor:
                scale = (1 + sigma**2).sqrt()
                x = blend(x / scale, latent_image, mask) * scale  # clean around, as TiNO-Edit's
                some, level = [conds[name] for name in names], sigma.expand(len(x))
                options = extra_args.get("model_options", {})
                found = comfy.samplers.calc_cond_batch(base, some, x, level, options)
                return found[-1] + inputs.cfg * (found[0] - found[-1])

            return denoised

        target = ["target", "empty"] if "empty" in conds else ["target"]
        fresh = noises(inputs.seeds, latent_image.shape[1:])
        made = flow_edit(ask(["source"]), ask(target), begin, sigmas, fresh)
        return blend(made, latent_image, mask)


def by_flow_edit(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """FlowEdit from the noise level of T, K steps; guided by inputs.cfg towards the target."""
    guider = comfy.samplers.CFGGuider(bench.model)
    captions = [task.edit.source_caption for task in inputs.tasks]
    conds = {"target": inputs.positive, "source": bench.conditioning(captions)}
    guider.inner_set_conds(
        conds if inputs.negative is None else {**conds, "empty": inputs.negative}
    )
    sigmas = falling_sigmas(bench, replace(settings, iterations=0))
    found = guider.sample(inputs.noise, inputs.source, FlowEdit(inputs), sigmas)
    return {"latents": torch.stack([found.cpu()])}
