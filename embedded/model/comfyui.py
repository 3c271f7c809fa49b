"""Loads the embedded model as ComfyUI objects: MODEL, CLIP and VAE like any other."""

from __future__ import annotations

import json
from pathlib import Path

import comfy.latent_formats
import comfy.model_base
import comfy.model_detection
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models
import comfy.supported_models_base
import torch
from torch import Tensor

from ...edit_models.shapes import differences, shapes_of
from ...tensor_files import read_tensor_file, read_tensors
from . import text
from .objectives import RECTIFIED_FLOW, V_PREDICTION, Objective
from .shipped import VARIANTS, WEIGHTS
from .unet import NUM_HEADS

OBJECTIVES: dict[comfy.model_base.ModelType, Objective] = {
    comfy.model_base.ModelType.V_PREDICTION: V_PREDICTION,
    comfy.model_base.ModelType.FLOW: RECTIFIED_FLOW,
}
_CURE = "restore the file with 'git checkout -- embedded/weights' or install the pack again"


class EmbeddedLatent(comfy.latent_formats.LatentFormat):
    """Normalises each channel of the VAE's latents; the UNet file's metadata says how."""

    def __init__(self, mean=(0.0,) * 4, std=(1.0,) * 4, rgb_factors=None):
        self.mean = torch.tensor(mean).view(1, -1, 1, 1)
        self.std = torch.tensor(std).view(1, -1, 1, 1)
        if rgb_factors is not None:
            self.latent_rgb_factors = rgb_factors[:-1]
            self.latent_rgb_factors_bias = rgb_factors[-1]

    def process_in(self, latent):
        return (latent - self.mean.to(latent)) / self.std.to(latent)

    def process_out(self, latent):
        return latent * self.std.to(latent) + self.mean.to(latent)


class EmbeddedInstructPix2Pix(comfy.supported_models.SD15_instructpix2pix):
    """The small UNet: heads of its own number, v-prediction or rectified flow."""

    unet_extra_config = {"num_heads": NUM_HEADS, "num_head_channels": -1}
    sampling_settings = {"shift": 1.0}
    latent_format = EmbeddedLatent
    prediction = comfy.model_base.ModelType.V_PREDICTION

    def get_model(self, state_dict, prefix="", device=None):
        model = comfy.model_base.SD15_instructpix2pix(
            self, model_type=self.prediction, device=device
        )
        # The source is normalised like the noisy latent, also where it is zeros: so trained.
        model.process_ip2p_image_in = self.latent_format.process_in
        return model


class WordTokenizer:
    """The interface of a transformers tokenizer that ComfyUI's SDTokenizer uses."""

    @classmethod
    def from_pretrained(cls, path, **kwargs) -> WordTokenizer:
        return cls()

    def __call__(self, sentence: str) -> dict[str, list[int]]:
        return {"input_ids": [text.START, *text.word_ids(sentence), text.END]}

    def get_vocab(self) -> dict[str, int]:
        return text.vocabulary()


class EmbeddedTokenizer(comfy.sd1_clip.SDTokenizer):
    def __init__(self, embedding_directory=None, tokenizer_data=None):
        super().__init__(
            max_length=text.MAX_TOKENS,
            pad_with_end=False,
            pad_token=text.PAD,
            embedding_directory=embedding_directory,
            embedding_size=text.WIDTH,
            tokenizer_class=WordTokenizer,
            tokenizer_data=tokenizer_data or {},
        )


class EmbeddedSD1Tokenizer(comfy.sd1_clip.SD1Tokenizer):
    def __init__(self, embedding_directory=None, tokenizer_data=None):
        super().__init__(embedding_directory, tokenizer_data or {}, tokenizer=EmbeddedTokenizer)


class EmbeddedClip(comfy.sd1_clip.SDClipModel):
    def __init__(self, device="cpu", dtype=None, model_options=None):
        super().__init__(
            device=device,
            dtype=dtype,
            max_length=text.MAX_TOKENS,
            textmodel_json_config={**text.CONFIG, "projection_dim": text.PROJECTION_DIM},
            model_class=text.TinyTextModel,
            special_tokens=text.SPECIAL_TOKENS,
            return_projected_pooled=False,
            model_options=model_options or {},
        )


class EmbeddedSD1Clip(comfy.sd1_clip.SD1ClipModel):
    def __init__(self, device="cpu", dtype=None, model_options=None):
        super().__init__(device, dtype, model_options or {}, clip_model=EmbeddedClip)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; anything else is refused without being opened as one."""
    if not path.is_file():
        raise FileNotFoundError(f"embedded weights are missing: {path}; {_CURE}")
    if path.suffix != ".safetensors":
        raise ValueError(f"expected a .safetensors file, got {path}; pickles are not loaded")
    try:
        return read_tensors(path)
    except ValueError as error:
        raise ValueError(f"{error} {_CURE}") from error


def _described(path: Path) -> tuple[EmbeddedLatent, comfy.model_base.ModelType]:
    """How latents are normalised and what is predicted, from the file's metadata."""
    metadata = read_tensor_file(path).metadata
    if "latent" not in metadata:
        raise ValueError(f"{path} does not say how its latents are normalised; {_CURE}")
    types = {objective.description: kind for kind, objective in OBJECTIVES.items()}
    prediction = metadata.get("prediction")
    if prediction not in types:
        raise ValueError(f"{path} predicts {prediction!r}, expected one of {list(types)}; {_CURE}")
    return EmbeddedLatent(**json.loads(metadata["latent"])), types[prediction]


def _require_same_keys(path: Path, module: torch.nn.Module, state: dict[str, Tensor]) -> None:
    wrong = differences(shapes_of(module.state_dict()), shapes_of(state))
    if wrong:
        raise ValueError(f"{path} holds another architecture: {wrong}; {_CURE}")


def load_unet(path: Path) -> comfy.model_patcher.ModelPatcher:
    """The UNet as a MODEL. Raises ValueError when keys are missing or do not fit."""
    state = read_weights(path)
    config = comfy.model_detection.detect_unet_config(state, "")
    if config is None or not comfy.supported_models.SD15_instructpix2pix.unet_config.items() >= {
        ("in_channels", config.get("in_channels"))
    }:
        raise ValueError(f"{path} is no InstructPix2Pix UNet with 8 input channels; {_CURE}")
    device = comfy.model_management.get_torch_device()
    model_config = EmbeddedInstructPix2Pix(config)
    latent_format, model_config.prediction = _described(path)
    model_config.latent_format = latent_format  # pyright: ignore[reportAttributeAccessIssue]
    # Tiny weights: full precision everywhere costs nothing and keeps results the same.
    model_config.set_inference_dtype(torch.float32, None)
    offload = comfy.model_management.unet_offload_device()
    model = model_config.get_model(state, device=offload)
    _require_same_keys(path, model.diffusion_model, state)
    model.load_model_weights(dict(state))
    model.diffusion_model.to(memory_format=torch.channels_last)
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=offload)


def load_clip(path: Path, embedding_directory=None) -> comfy.sd.CLIP:
    """The text encoder as a CLIP with its own word tokenizer.

    Its pooled output is the text's feature in the space of the embedded LatentCLIP, by the shipped
    projection.
    """
    state = {**read_weights(path), **read_weights(WEIGHTS / "text_projection.safetensors")}
    target = comfy.supported_models_base.ClipTarget(EmbeddedSD1Tokenizer, EmbeddedSD1Clip)
    clip = comfy.sd.CLIP(
        target,
        embedding_directory=embedding_directory,
        parameters=sum(v.numel() for v in state.values()),
        model_options={"dtype": torch.float32},
    )
    transformer = clip.cond_stage_model.clip_l.transformer
    _require_same_keys(path, transformer, state)
    transformer.load_state_dict(state)
    return clip


def load_vae(path: Path) -> comfy.sd.VAE:
    """The VAE, read exactly as ComfyUI's VAELoader reads it."""
    state = read_weights(path)
    if "taesd_decoder.1.weight" not in state:
        raise ValueError(f"{path} is no VAE in TAESD's layout; {_CURE}")
    vae = comfy.sd.VAE(sd=dict(state))
    _require_same_keys(path, vae.first_stage_model, state)
    return vae


def load_embedded(
    folder: Path = WEIGHTS, variant: str = "editing", embedding_directory=None
) -> tuple[comfy.model_patcher.ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]:
    """MODEL, CLIP and VAE of the embedded model from a folder of its .safetensors.

    variant: a key of `shipped.VARIANTS`
    """
    return (
        load_unet(folder / VARIANTS[variant].file),
        load_clip(folder / "text_encoder.safetensors", embedding_directory),
        load_vae(folder / "vae.safetensors"),
    )
