"""LatentCLIP and LatentVGG as ComfyUI models; and pixel CLIP through the VAE in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import comfy.model_management
import folder_paths
import torch.nn.functional as F
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io
from torch import Tensor, nn

from ...embedded.model.shipped import WEIGHTS
from ...tino_core.latent_clip import LatentCLIP, load_latent_clip
from ...tino_core.latent_vgg import load_latent_vgg
from ...tino_core.weights import check_space
from ..host.model_folders import register_folder
from ..menu import TINO
from .own_texts import OwnTexts
from .pictures import decoded, decoder_memory
from .text_spaces import EMBEDDED_TEXTS, TEXT_SPACES, check_text_space

EMBEDDED = "embedded (the tiny model's)"
_FROM_FILE = "from the file"
_SPACES = (_FROM_FILE, "SD15", "SDXL")
_UNKNOWN = "unknown"
_EXTENSIONS = {".safetensors", ".pt", ".pth", ".ckpt", ".bin"}


def little(shape: Sequence[int]) -> float:
    """What a latent model keeps is small beside the UNet's."""
    return 0.0


@io.comfytype(io_type="LATENT_CLIP")
class LatentClipType(io.ComfyTypeIO):
    """Image features of latents: `FeatureModel`."""

    Type = object


@io.comfytype(io_type="LATENT_VGG")
class LatentVggType(io.ComfyTypeIO):
    """Perceptual features of latents: `FeatureModel`."""

    Type = object


@dataclass(frozen=True)
class FeatureModel:
    """Features of latents, with the models that ComfyUI has to load for them.

    features: ``latent (B, C, h, w) in the model's scale -> (B, D)``; space: the latent format it
    was trained on; memory: bytes its gradients keep for a latent's shape (B, C, h, w)
    text_space: of the texts that its features share, None where it is not known
    own_texts: reads prompts into that space, None where its file has no text tower
    """

    name: str
    space: str
    patchers: tuple[ModelPatcher, ...]
    features: Callable[[Tensor], Tensor]
    memory: Callable[[Sequence[int]], float] = little
    text_space: str | None = None
    own_texts: OwnTexts | None = None

    def require(self, given: str) -> None:
        """Raise ValueError when it knows latents of another space than `given`."""
        check_space(self.name, self.space, given)


def managed(module: nn.Module) -> ModelPatcher:
    """The module as ComfyUI's model management takes it."""
    device = comfy.model_management.get_torch_device()
    return ModelPatcher(module, device, comfy.model_management.unet_offload_device())


def _load(
    kind: str, load: Callable[[Path], nn.Module], name: str, space: str, text_space: str
) -> io.NodeOutput:
    if name == EMBEDDED:
        path = WEIGHTS / f"{kind}.safetensors"
    else:
        found = folder_paths.get_full_path(kind, name)
        if found is None:
            raise ValueError(
                f"name: {name} is not in models/{kind}. Put it there, or choose another."
            )
        path = Path(found)
    model = load(path)
    known = model.latent_space
    if space != _FROM_FILE:
        check_space(name, known if isinstance(known, str) else None, space)
        known = space
    if not isinstance(known, str):
        raise ValueError(
            f"latent_space: {name} does not say which latents it was trained on. Choose its space "
            "here (the authors' released files are for SDXL)."
        )
    texts = EMBEDDED_TEXTS if name == EMBEDDED else getattr(model, "text_space", None)
    if text_space != _FROM_FILE:
        check_text_space(name, texts, text_space)
        texts = text_space
    own = model.take_texts() if isinstance(model, LatentCLIP) else None
    texts = name if own is not None and texts is None else texts
    reader = None if own is None or texts is None else OwnTexts(texts, own, managed(own))
    patchers = (managed(model),)
    return io.NodeOutput(
        FeatureModel(name, known, patchers, model, text_space=texts, own_texts=reader)
    )


def _loader_inputs(kind: str) -> list[io.Input]:
    register_folder(kind, _EXTENSIONS)
    return [
        io.Combo.Input(
            "name",
            options=[EMBEDDED, *folder_paths.get_filename_list(kind)],
            default=EMBEDDED,
            tooltip=f"A file of models/{kind}: safetensors, or the authors' state dict. The "
            "embedded one fits the embedded model only; docs/latent_models.md says how to train "
            "one for your VAE.",
        ),
        io.Combo.Input(
            "latent_space",
            options=list(_SPACES),
            default=_FROM_FILE,
            optional=True,
            tooltip="Latents it was trained on, for files that do not say. SD 2.1 shares SD15.",
        ),
    ]


def _text_space(default: str) -> io.Input:
    return io.Combo.Input(
        "text_space",
        options=[default, *TEXT_SPACES],
        default=default,
        optional=True,
        tooltip="The CLIP whose texts its features share, for losses that aim at the target text.",
    )


class LatentCLIPLoader(io.ComfyNode):
    """CLIP's image features straight from latents, for the semantic and the reference loss."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LatentCLIPLoader",
            display_name="Load LatentCLIP",
            category=TINO,
            description="Loads a CLIP vision tower that reads latents, so that TiNO-Edit needs no "
            "VAE decoding in its loop.",
            inputs=[*_loader_inputs("latent_clip"), _text_space(_FROM_FILE)],
            outputs=[LatentClipType.Output(display_name="LATENT_CLIP")],
        )

    @classmethod
    def execute(cls, name, latent_space=_FROM_FILE, text_space=_FROM_FILE) -> io.NodeOutput:
        return _load("latent_clip", load_latent_clip, name, latent_space, text_space)


class LatentVGGLoader(io.ComfyNode):
    """VGG's outputs straight from latents, for the perceptual loss."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LatentVGGLoader",
            display_name="Load LatentVGG",
            category=TINO,
            description="Loads a VGG that reads latents; it keeps an edit near its source.",
            inputs=_loader_inputs("latent_vgg"),
            outputs=[LatentVggType.Output(display_name="LATENT_VGG")],
        )

    @classmethod
    def execute(cls, name, latent_space=_FROM_FILE) -> io.NodeOutput:
        return _load("latent_vgg", load_latent_vgg, name, latent_space, _FROM_FILE)


def pixel_features(vae, clip_vision, latent_format, x: Tensor) -> Tensor:
    """CLIP's image features (B, D) of decoded latents x (B, C, h, w) in the model's scale."""
    image = decoded(vae, latent_format, x)
    size = clip_vision.image_size
    scale = size / min(image.shape[-2:])
    sides = tuple(round(scale * side) for side in image.shape[-2:])
    image = F.interpolate(image, size=sides, mode="bicubic", antialias=True)
    top, left = ((side - size) // 2 for side in sides)
    image = image[..., top : top + size, left : left + size].clamp(0, 1)
    mean, std = (
        image.new_tensor(values).view(3, 1, 1)
        for values in (clip_vision.image_mean, clip_vision.image_std)
    )
    return clip_vision.model(pixel_values=(image - mean) / std)[2].float()


class PixelCLIP(io.ComfyNode):
    """The slow way the paper compares with: decode each result, then ordinary CLIP."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="PixelCLIP",
            display_name="Pixel CLIP (in place of LatentCLIP)",
            category=TINO,
            description="Decodes every result with the VAE and reads it with a CLIP vision model. "
            "Needs no LatentCLIP, but several times the time and memory.",
            inputs=[
                io.Model.Input("model", tooltip="The MODEL that is optimised."),
                io.Vae.Input("vae", tooltip="The VAE of that model."),
                io.ClipVision.Input("clip_vision", tooltip="From CLIPVisionLoader."),
                _text_space(_UNKNOWN),
            ],
            outputs=[LatentClipType.Output(display_name="LATENT_CLIP")],
        )

    @classmethod
    def execute(cls, model, vae, clip_vision, text_space=_UNKNOWN) -> io.NodeOutput:
        form = model.model.latent_format
        extract = partial(pixel_features, vae, clip_vision, form)
        patchers = (vae.patcher, clip_vision.patcher)

        space = type(form).__name__
        texts = None if text_space == _UNKNOWN else text_space
        return io.NodeOutput(
            FeatureModel(
                "pixel CLIP", space, patchers, extract, decoder_memory(vae), text_space=texts
            )
        )


NODES: list[type[io.ComfyNode]] = [LatentCLIPLoader, LatentVGGLoader, PixelCLIP]
