"""CLIP and VAE of a diffusers folder, built from ComfyUI's own classes and held to be whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import comfy.diffusers_convert
import comfy.sd
import comfy.sd1_clip
import comfy.text_encoders.sd3_clip as sd3_clip
import comfy.utils
from comfy.supported_models_base import ClipTarget
from torch import Tensor

from ....edit_models.files import read_json, weight_files
from ....edit_models.layouts import LATENT_CHANNELS, Layout, UNetLayout
from .unets import read_state, require_same

# Of a CLIP's config.json, what says its size; the rest is the same for all of them.
_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_hidden_layers",
    "hidden_act",
)
# Saved beside the weights by some versions: a count, and T5's embedding once more.
_NOT_WEIGHTS = ("embeddings.position_ids", "encoder.embed_tokens.weight")


def load_clip(folder: Path, layout: Layout, embeddings) -> comfy.sd.CLIP:
    """The folder's text encoders as a CLIP.

    layout: of the model that reads the text.  Raises ValueError where an encoder is another
    model's or not whole.
    """
    if isinstance(layout, UNetLayout):
        return _sd1_clip(folder, layout.context_dim, embeddings)
    return _sd3_clip(folder, layout.context_dim, layout.pooled_dim, embeddings)


def _sd1_clip(folder: Path, width: int, embeddings) -> comfy.sd.CLIP:
    part = folder / "text_encoder"
    config = _config(part, "hidden_size")
    _require_width(part, config["hidden_size"], width)
    target = ClipTarget(comfy.sd1_clip.SD1Tokenizer, comfy.sd1_clip.SD1ClipModel)
    options = {"clip_l_model_config": _sizes(config)}
    # SD's own encoder ships no projection, and nothing reads it.
    return _filled(
        target, {part: text_state(part)}, options, embeddings, ["text_projection.weight"]
    )


def _sd3_clip(folder: Path, width: int, pooled: int, embeddings) -> comfy.sd.CLIP:
    parts = [folder / "text_encoder", folder / "text_encoder_2"]
    small, large = (_config(part, "projection_dim") for part in parts)
    found = small["projection_dim"] + large["projection_dim"]
    _require_width(folder / "text_encoder*", found, pooled)
    t5 = folder / "text_encoder_3"
    if t5.is_dir():
        _require_width(t5, _config(t5, "d_model")["d_model"], width)
        parts.append(t5)
    states = {part: text_state(part) for part in parts}
    dtypes = sd3_clip.t5_xxl_detect(states.get(t5, {}))
    target = ClipTarget(sd3_clip.SD3Tokenizer, sd3_clip.sd3_clip(t5=t5 in states, **dtypes))
    options = {"clip_l_model_config": _sizes(small), "clip_g_model_config": _sizes(large)}
    clip = _filled(target, states, options, embeddings)
    _project_pooled(clip.cond_stage_model.clip_l)
    return clip


def _project_pooled(encoder: comfy.sd1_clip.SDClipModel) -> None:
    """Have CLIP-L project its pooled feature, as diffusers does and ComfyUI's SD3 does not.

    With the projection of SD3's release, the identity, both are the same.
    """
    encoder.return_projected_pooled = True
    encoder.options_default = (*encoder.options_default[:2], True)


def _filled(
    target: ClipTarget,
    states: Mapping[Path, dict[str, Tensor]],
    options: dict,
    embeddings,
    optional: Sequence[str] = (),
) -> comfy.sd.CLIP:
    """The CLIP with its weights.  Raises ValueError where some are missing, but for `optional`."""
    count = sum(comfy.utils.calculate_parameters(state) for state in states.values())
    clip = comfy.sd.CLIP(
        target, embedding_directory=embeddings, parameters=count, model_options=options
    )
    for part, state in states.items():
        try:
            missing, unexpected = clip.load_sd(state)
        except RuntimeError as error:  # tensors of another size
            raise ValueError(f"name: {part} does not fit its config.json ({error}).") from error
        missing = [key for key in missing if key not in optional]
        if missing or unexpected:
            raise ValueError(
                f"name: {part} is not whole, or another text encoder: missing {missing[:3]}, "
                f"unexpected {unexpected[:3]}. Download it again."
            )
    return clip


def _config(part: Path, width: str) -> dict[str, Any]:
    """A text encoder's config.json, which must say its width under that key."""
    path = part / "config.json"
    config = read_json(path, "name")
    if width not in config:
        raise ValueError(
            f"name: {path} says no {width}, so {part.name} is the text encoder of another model."
        )
    return config


def _sizes(config: dict[str, Any]) -> dict[str, Any]:
    return {key: config[key] for key in _SIZES if key in config}


def _require_width(part: Path, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(
            f"name: the text features of {part} are {found} wide, but the model reads {expected}: "
            "it is the text encoder of another model."
        )


def text_state(part: Path) -> dict[str, Tensor]:
    """A text encoder's weights under the names of transformers 4, which ComfyUI knows.

    Its version 5 saves a CLIPTextModel without the leading text_model.
    """
    read = read_state(weight_files(part, "name"))
    state = {key: tensor for key, tensor in read.items() if not key.endswith(_NOT_WEIGHTS)}
    if "embeddings.token_embedding.weight" in state:
        state = {f"text_model.{key}": tensor for key, tensor in state.items()}
    return state


def load_vae(folder: Path, layout: Layout) -> comfy.sd.VAE:
    """The folder's VAE.  Raises ValueError where it is another model's or not whole."""
    part = folder / "vae"
    read_json(part / "config.json", "name")
    state = read_state(weight_files(part, "name"))
    channels = 4 if isinstance(layout, UNetLayout) else LATENT_CHANNELS
    first = state.get("decoder.conv_in.weight")
    if first is None or first.shape[1] != channels:
        found = "no decoder" if first is None else f"{first.shape[1]} latent channels"
        raise ValueError(
            f"name: {part} has {found}; the model takes the VAE of {channels} latent channels."
        )
    state = comfy.diffusers_convert.convert_vae_state_dict(state)
    try:
        vae = comfy.sd.VAE(sd=dict(state))
    except (RuntimeError, ValueError) as error:  # tensors of another size, or no such layers
        raise ValueError(f"name: {part} is not Stable Diffusion's VAE ({error}).") from error
    require_same(str(part), vae.first_stage_model, state)
    return vae
