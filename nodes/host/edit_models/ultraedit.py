"""UltraEdit as a ComfyUI model: SD3 that sees the source, and maybe a mask, beside the noise."""

from __future__ import annotations

import comfy.latent_formats
import comfy.model_base
import comfy.supported_models
import torch
from torch import Tensor

from ....edit_models.folders import Facts
from ....edit_models.layouts import LATENT_CHANNELS

EDIT_MASK = "ultraedit_mask"
"""Key of a condition: the mask's latent (1, 16, h, w), as the VAE encodes its picture."""
EDIT_MASK_GIVEN = "ultraedit_mask_given"
"""Key of a condition: whether that mask keeps anything; a white one does not."""


class UltraEditLatent(comfy.latent_formats.SD3):
    """SD3's latents scaled without its shift: so UltraEdit was trained."""

    def process_in(self, latent: Tensor) -> Tensor:
        return latent * self.scale_factor

    def process_out(self, latent: Tensor) -> Tensor:
        return latent / self.scale_factor


class UltraEditConfig(comfy.supported_models.SD3):
    """Rectified flow as SD3, with the shift its folder names; only the input is wider."""

    latent_format = UltraEditLatent

    def __init__(self, unet_config: dict, shift: float = Facts.shift):
        super().__init__(unet_config)
        self.sampling_settings["shift"] = shift

    def get_model(self, state_dict, prefix="", device=None) -> UltraEdit:
        return UltraEdit(self, device=device)


class UltraEdit(comfy.model_base.IP2P, comfy.model_base.SD3):
    """The transformer's input: noisy latent, source latent and, of 48 channels, the mask's latent.

    Source and mask come as the VAE encodes them, neither scaled nor shifted; a condition that has
    none gets zeros for both, which is the rule's image-free prediction.
    """

    def process_ip2p_image_in(self, image: Tensor) -> Tensor:
        return image

    def concat_cond(self, **kwargs) -> Tensor:
        """What is laid beside the noisy latent, (N, 16 or 32, h, w)."""
        source = super().concat_cond(**kwargs)
        if self.model_config.unet_config["in_channels"] == 2 * LATENT_CHANNELS:
            if kwargs.get(EDIT_MASK_GIVEN):
                raise ValueError(
                    "mask: this UltraEdit has 32 input channels and takes none. Disconnect the "
                    "mask of UltraEditConditioning, or load the model with 48 channels."
                )
            return source
        mask = kwargs.get(EDIT_MASK)
        if mask is None and kwargs.get("concat_latent_image") is not None:
            raise ValueError(
                "guider: its conditioning shows a source image but no mask, and this UltraEdit of "
                "48 input channels needs both. Use UltraEditConditioning; without a mask it gives "
                "a white one (free-form)."
            )
        return torch.cat(
            [source, super().concat_cond(**{**kwargs, "concat_latent_image": mask})], 1
        )

    def extra_conds(self, **kwargs) -> dict:
        self._check_size(kwargs["noise"])
        self._check_text(kwargs.get("cross_attn"), kwargs.get("pooled_output"))
        return super().extra_conds(**kwargs)

    def _check_size(self, noise: Tensor) -> None:
        limit = self.model_config.unet_config["pos_embed_max_size"] * 2
        height, width = noise.shape[-2:]
        if max(height, width) > limit:
            raise ValueError(
                f"pixels: the picture is {width * 8}x{height * 8}; this UltraEdit knows positions "
                f"up to {limit * 8} pixels a side. Scale it down."
            )

    def _check_text(self, text: Tensor | None, pooled: Tensor | None) -> None:
        config = self.model_config.unet_config
        expected = (
            config["context_embedder_config"]["params"]["in_features"],
            config["adm_in_channels"],
        )
        found = tuple(None if part is None else part.shape[-1] for part in (text, pooled))
        if found != expected:
            raise ValueError(
                f"guider: this UltraEdit reads text features {expected[0]} wide and pooled ones "
                f"{expected[1]} wide, but the conditioning's are {found[0]} and {found[1]}. Encode "
                "the text with its own text encoders (TripleCLIPLoader of SD3's three)."
            )
