"""Edits that ask a model by two texts, what the source shows and what it shall show; baselines."""

from collections.abc import Callable
from functools import partial

import comfy.samplers
import torch
from torch import Tensor

from ...tino_core.denoise import blend
from .blended import noises
from .methods import Inputs, Result
from .models import TinoBench

Denoise = Callable[[Tensor, Tensor], Tensor]
"""``x = x0 + sigma e (B, C, h, w), sigma () -> denoised``"""
Edit = Callable[[Denoise, Denoise, Tensor, Tensor, Callable[[], Tensor]], Tensor]
"""``by source, by target, begin (B, C, h, w), sigmas (K,), fresh noise -> the edit``"""


class BetweenTexts(comfy.samplers.Sampler):
    """An edit as a SAMPLER of a guider with the conditions target, source and, guided, empty."""

    def __init__(self, edit: Edit, inputs: Inputs):
        self.edit, self.inputs = edit, inputs

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
        base, inputs = model_wrap.inner_model, self.inputs
        mask, begin = inputs.mask.to(latent_image), latent_image
        if inputs.start is not None:
            begin = base.process_latent_in(inputs.start.to(latent_image))
        options = extra_args.get("model_options", {})

        def denoised(names: list[str], x: Tensor, sigma: Tensor) -> Tensor:
            scale = (1 + sigma**2).sqrt()
            x = blend(x / scale, latent_image, mask) * scale  # clean around, as TiNO-Edit's
            some, level = [model_wrap.conds[name] for name in names], sigma.expand(len(x))
            found = comfy.samplers.calc_cond_batch(base, some, x, level, options)
            return found[-1] + inputs.cfg * (found[0] - found[-1])

        target = ["target", "empty"] if "empty" in model_wrap.conds else ["target"]
        fresh = noises(inputs.seeds, latent_image.shape[1:])
        asked = (partial(denoised, ["source"]), partial(denoised, target))
        return blend(self.edit(*asked, begin, sigmas, fresh), latent_image, mask)


def by_texts(edit: Edit, bench: TinoBench, inputs: Inputs, sigmas: Tensor) -> Result:
    """The edit's result, guided by inputs.cfg towards the target."""
    guider = comfy.samplers.CFGGuider(bench.unet(inputs.setup.model))
    captions = [task.edit.source_caption for task in inputs.tasks]
    conds = {"target": inputs.positive, "source": bench.conditioning(captions)}
    guider.inner_set_conds(
        conds if inputs.negative is None else {**conds, "empty": inputs.negative}
    )
    found = guider.sample(inputs.noise, inputs.source, BetweenTexts(edit, inputs), sigmas)
    return {"latents": torch.stack([found.cpu()])}
