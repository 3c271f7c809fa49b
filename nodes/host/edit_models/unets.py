"""Editing models that ComfyUI's loaders do not recognise, built from its own model classes.

Nothing is added to ComfyUI's tables: the configuration is made here and handed over.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path

import comfy.model_base
import comfy.model_detection
import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import comfy.utils
import torch
from comfy.supported_models_base import BASE
from safetensors import SafetensorError
from torch import Tensor

from ....edit_models.files import weight_files
from ....edit_models.folders import Facts, facts
from ....edit_models.layouts import HEAD_WIDTH, Layout, MMDiTLayout, UNetLayout, recognise
from ....edit_models.shapes import differences, shapes_of
from .ultraedit import UltraEditConfig

_PREDICTIONS = {
    "epsilon": comfy.model_base.ModelType.EPS,
    "v_prediction": comfy.model_base.ModelType.V_PREDICTION,
}


_UNREADABLE = (
    SafetensorError,
    pickle.UnpicklingError,
    EOFError,
    RuntimeError,  # PyTorch's, of a broken archive
    ValueError,  # ComfyUI's, of a broken safetensors file
    AttributeError,  # ComfyUI's, of a pickle that is no dictionary
)


class InstructPix2PixConfig(comfy.supported_models.SD15_instructpix2pix):
    """SD 1.5 with 8 input channels, of the heads and the prediction its folder names."""

    def __init__(self, unet_config: dict, known: Facts):
        super().__init__(unet_config)
        self.unet_config["num_heads"] = known.heads
        self.prediction = known.prediction

    def get_model(self, state_dict, prefix="", device=None):
        kind = _PREDICTIONS[self.prediction]
        return comfy.model_base.SD15_instructpix2pix(self, model_type=kind, device=device)


def read_state(paths: Iterable[Path]) -> dict[str, Tensor]:
    """All tensors of the files.  Raises ValueError naming the one that cannot be read.

    Pickles are opened by PyTorch's restricted reader only.
    """
    state: dict[str, Tensor] = {}
    for path in paths:
        try:
            content = comfy.utils.load_torch_file(str(path), safe_load=True)
            tensors = {k: v for k, v in content.items() if isinstance(v, Tensor)}
        except _UNREADABLE as e:
            raise ValueError(
                f"name: {path} cannot be read ({e}). It is truncated, or not what its ending says, "
                "or holds more than tensors. Download it again."
            ) from e
        state |= tensors
    return state


def require_same(name: str, module: torch.nn.Module, state: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless the weights are the module's, all of them; ComfyUI would only log."""
    wrong = differences(shapes_of(module.state_dict()), shapes_of(state))
    if wrong:
        raise ValueError(
            f"name: {name} is not whole, or another architecture: {wrong}. Download it again."
        )


def load_file(path: Path, name: str, dtype: torch.dtype | None):
    """The MODEL in a bare file.  Raises ValueError for any other content.

    name: as the user chose it; dtype: of the weights, None lets ComfyUI choose
    """
    state = read_state([path])
    return _load(name, recognise(name, shapes_of(state)), state, Facts(), dtype)


def load_folder(folder: Path, part: str, dtype: torch.dtype | None):
    """The MODEL of a diffusers folder, and its layout; part: unet or transformer."""
    known = facts(folder, part)
    name = str(folder / part)
    state = read_state(weight_files(folder / part, "name"))
    layout = recognise(name, shapes_of(state), in_folder=True)
    return _load(name, layout, state, known, dtype), layout


def _load(name: str, layout: Layout, state: dict[str, Tensor], known: Facts, dtype):
    if isinstance(layout, MMDiTLayout):
        state = _mmdit_state(name, layout, state)
        detected = comfy.model_detection.detect_unet_config(state, "")
        config = UltraEditConfig(detected, known.shift)
    else:
        state = _unet_state(name, layout, state)
        detected = comfy.model_detection.detect_unet_config(state, "")
        config = InstructPix2PixConfig(detected, known)
    return _patcher(name, config, state, dtype)


def _unet_state(name: str, layout: UNetLayout, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A diffusers UNet's weights under the names that ComfyUI's UNet has for them."""
    blocks = {
        "num_res_blocks": list(layout.num_res_blocks),
        "channel_mult": list(layout.num_res_blocks),  # only its length is read
        "transformer_depth": list(layout.transformer_depth),
        "transformer_depth_middle": layout.transformer_depth_middle,
        "transformer_depth_output": list(layout.transformer_depth_output),
    }
    names = comfy.utils.unet_to_diffusers(blocks)
    unknown = sorted(state.keys() - names.keys())
    if unknown:
        raise ValueError(
            f"name: {name} holds {unknown[:3]}, which SD 1.5's UNet has not: it is another "
            "architecture."
        )
    return {names[key]: tensor for key, tensor in state.items()}


def _mmdit_state(name: str, layout: MMDiTLayout, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an UltraEdit in SD3's own keys."""
    if not layout.diffusers_keys:
        size = len(layout.prefix)
        return {k[size:]: v for k, v in state.items() if k.startswith(layout.prefix)}
    _require_whole_merges(name, state)
    unknown = dict(state)
    converted = comfy.model_detection.convert_diffusers_mmdit(unknown, "")
    return converted | unknown  # what the converter has no name for must not vanish


def _require_whole_merges(name: str, state: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless every part of a merged weight (q, k, v) is there and fits.

    ComfyUI's converter copies the parts into uninitialised memory and does not tell what is left.
    """
    width = state["pos_embed.proj.weight"].shape[0]
    merges: dict[str, list[str]] = {}
    for key, target in comfy.utils.mmdit_to_diffusers({"depth": width // HEAD_WIDTH}).items():
        if not isinstance(target, str) and target[1] is not None:
            merges.setdefault(target[0], []).append(key)
    begun = [key for parts in merges.values() if state.keys() & parts for key in parts]
    missing = [key for key in begun if key not in state]
    reshaped = [
        key
        for key in set(begun) - set(missing)
        if tuple(state[key].shape) != ((width, width) if key.endswith("weight") else (width,))
    ]
    if missing or reshaped:
        raise ValueError(
            f"name: {name} is not whole, or another architecture: missing {sorted(missing)[:3]}, "
            f"of another shape {sorted(reshaped)[:3]}. Download it again."
        )


def _patcher(name: str, config: BASE, state: dict[str, Tensor], dtype: torch.dtype | None):
    """The model on ComfyUI's devices and in its dtypes, as its Load Diffusion Model makes it."""
    management = comfy.model_management
    device, offload = management.get_torch_device(), management.unet_offload_device()
    supported = list(config.supported_inference_dtypes)
    if dtype is None:
        dtype = management.unet_dtype(
            model_params=comfy.utils.calculate_parameters(state),
            supported_dtypes=supported,
            weight_dtype=comfy.utils.weight_dtype(state),
        )
    assert dtype is not None
    config.set_inference_dtype(dtype, management.unet_manual_cast(dtype, device, supported))
    model = config.get_model(state, "").to(offload)
    require_same(name, model.diffusion_model, state)
    model.load_model_weights(dict(state), "")
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=offload)
