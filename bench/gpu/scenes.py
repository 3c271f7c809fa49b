"""InstructPix2Pix of several sizes with random weights, and an edit of theirs."""

from __future__ import annotations

from dataclasses import dataclass, field

import comfy.model_management
import comfy.samplers
import comfy.supported_models
import torch
from comfy.model_patcher import ModelPatcher
from comfy.supported_models_base import BASE
from comfy_extras.nodes_custom_sampler import Guider_DualCFG
from torch import Tensor

from ...nodes.host.elect.run import Run

STEPS, STOP = 20, 8
"""The whole schedule, and the steps to a stop of 40 %."""

_SD15 = {
    "image_size": 32,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    "transformer_depth_middle": 1,
    "context_dim": 768,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "num_heads": 8,
    "num_head_channels": -1,
    "legacy": False,
}
_SDXL = {
    "num_res_blocks": [2, 2, 2],
    "channel_mult": [1, 2, 4],
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "transformer_depth_middle": 10,
    "context_dim": 2048,
    "use_linear_in_transformer": True,
    "adm_in_channels": 2816,
    "num_classes": "sequential",
    "num_heads": -1,
    "num_head_channels": 64,
}
_TINY = {
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 2],
    "transformer_depth": [0, 1],
    "transformer_depth_output": [0, 0, 1, 1],
    "context_dim": 16,
    "num_heads": 4,
}


@dataclass(frozen=True)
class Size:
    """edits: the configuration of 8 input channels; draws: of 4, for TiNO-Edit
    pixels: the side of a picture; dtype: of weights and arithmetic on a GPU
    pooled: width of the pooled text that comes beside the tokens, 0 for none
    """

    edits: type[BASE]
    draws: type[BASE]
    unet: dict = field(repr=False)
    pixels: int = 512
    dtype: torch.dtype = torch.float16
    pooled: int = 0

    @property
    def cells(self) -> int:
        """The side of a latent."""
        return self.pixels // 8


_models = comfy.supported_models
SIZES = {
    "tiny": Size(
        _models.SD15_instructpix2pix, _models.SD15, _SD15 | _TINY, 64, dtype=torch.float32
    ),
    "sd15": Size(_models.SD15_instructpix2pix, _models.SD15, _SD15),
    "sdxl": Size(_models.SDXL_instructpix2pix, _models.SDXL, _SD15 | _SDXL, 1024, pooled=1280),
}


def random_model(
    size: Size, channels: int = 8, dtype: torch.dtype | None = None, cpu: bool = False
) -> ModelPatcher:
    """A MODEL of the size, the same weights each time; its loss of meaning is no loss of time.

    channels: 8 takes a picture beside the noise, 4 does not; dtype: of the weights, None for the
    size's; what float8 is cast to is the size's; cpu: keep it there
    """
    kind = size.edits if channels == 8 else size.draws
    config = kind({**size.unet, "in_channels": channels})
    cast = None if dtype is None else size.dtype
    config.set_inference_dtype(dtype or size.dtype, cast)
    config.custom_operations = None
    model = config.get_model({}, "")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for one in model.diffusion_model.parameters():
            scale = one.shape[0] ** -0.5 if one.ndim == 1 else one[0].numel() ** -0.5
            one.copy_(torch.randn(one.shape, generator=generator) * scale)
    host = torch.device("cpu")
    device = host if cpu else comfy.model_management.get_torch_device()
    return ModelPatcher(model.eval(), device, host)


def words(size: Size, seed: int, picture: Tensor | None = None) -> list:
    """A CONDITIONING of random text features, beside a picture's latent where there is one."""
    generator = torch.Generator().manual_seed(seed)
    extra = {} if picture is None else {"concat_latent_image": picture}
    if size.pooled:
        extra["pooled_output"] = torch.randn(1, size.pooled, generator=generator)
    return [[torch.randn(1, 77, size.unet["context_dim"], generator=generator), extra]]


class Scene:
    """One edit: the model, its guider with three conditionings, LATENT and SIGMAS.

    model: None builds the size's own
    """

    def __init__(self, size: Size, model: ModelPatcher | None = None):
        self.size, self.model = size, model or random_model(size)
        shape = (1, 4, size.cells, size.cells)
        self.source = torch.randn(shape, generator=torch.Generator().manual_seed(5))
        self.latent = {"samples": torch.zeros(shape)}
        self.guider = Guider_DualCFG(self.model)
        shown = (words(size, 1, self.source), words(size, 2, self.source))
        self.guider.set_conds(*shown, words(size, 2))
        self.guider.set_cfg(3.0, 1.5)
        sampling = self.model.get_model_object("model_sampling")
        self.sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", STEPS)

    def run(self, sampler: str = "euler") -> Run:
        """What its candidates share, with two steps of relevance."""
        chosen = comfy.samplers.sampler_object(sampler)
        return Run(self.guider, chosen, self.sigmas, self.latent, 2)
