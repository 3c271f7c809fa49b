"""Where a MODEL answers two texts differently: what an edit from one to the other would change."""

from collections.abc import Sequence

import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ....tino_core.masks import text_difference
from .frames import framed, unframed


def relevance(
    model: ModelPatcher,
    source: dict,
    source_text: list,
    target_text: list,
    seeds: Sequence[int],
    share: float,
) -> Tensor:
    """Relevance (B, 1, h, w), at least 0, of a source LATENT's cells; see `text_difference`.

    source_text, target_text: CONDITIONING; seeds: one draw of noise each
    share: of the noise schedule, where the two are compared, above 0 to 1
    """
    samples = framed(model.model.latent_format, source["samples"])
    sampling = model.get_model_object("model_sampling")
    sigma = torch.tensor([float(sampling.percent_to_sigma(1 - share))])
    sampler = _Comparison()
    guider = comfy.samplers.CFGGuider(model)
    guider.inner_set_conds({"positive": target_text, "negative": source_text})
    for seed in seeds:
        noise = comfy.sample.prepare_noise(samples, seed)
        levels = torch.cat([sigma, torch.zeros_like(sigma)])
        guider.sample(noise, samples, sampler, levels, disable_pbar=True, seed=seed)
    return torch.stack(sampler.found).mean(0).cpu()


class _Comparison(comfy.samplers.Sampler):
    """Asks for both texts at one noise level where other samplers take their steps."""

    def __init__(self):
        self.found: list[Tensor] = []

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
        base, conds = model_wrap.inner_model, model_wrap.conds
        assert latent_image is not None
        x = base.model_sampling.noise_scaling(sigmas[0], noise, latent_image)
        level = sigmas[:1].expand(len(x))
        both = [conds["positive"], conds["negative"]]
        options = extra_args.get("model_options", {})
        wanted, now = comfy.samplers.calc_cond_batch(base, both, x, level, options)
        self.found.append(text_difference(unframed(wanted), unframed(now)))
        return latent_image
