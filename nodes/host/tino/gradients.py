"""Gradients through models that ComfyUI loaded for inference, with no second copy of the weights.

What stands in the way: weights loaded in inference mode cannot be saved for backward, so normal
tensors are laid over the same memory for the time. Weights of another dtype or on another device
are cast anew in every layer, and autograd would keep every cast copy, so those layers are run again
on the way back. Several attention functions write into their own buffers, so PyTorch's is used.
ComfyUI's CLIP and FLUX add onto tensors that their norms have saved, so those get copies: under a
checkpoint nothing else would say that a gradient is wrong.
"""

import copy
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from comfy import model_management
from comfy.clip_model import CLIPLayer
from comfy.ldm.flux.layers import DoubleStreamBlock, SingleStreamBlock
from comfy.ldm.lumina.model import JointTransformerBlock
from comfy.ldm.modules import attention
from comfy.ldm.modules.diffusionmodules.mmdit import JointBlock
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from comfy.ldm.qwen_image.model import QwenImageTransformerBlock
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..versions import has_training_flag

_BLOCKS = (
    *(ResBlock, attention.BasicTransformerBlock),  # UNets
    *(JointBlock, DoubleStreamBlock, SingleStreamBlock),  # SD3, FLUX
    *(JointTransformerBlock, QwenImageTransformerBlock),  # Lumina 2 and Z-Image, Qwen-Image
)
"""Blocks that are run again on the way back where memory is short."""

_ADDED_ONTO: dict[type, tuple[str, ...]] = {
    CLIPLayer: ("layer_norm1", "layer_norm2"),
    DoubleStreamBlock: ("img_norm1", "img_norm2", "txt_norm1", "txt_norm2"),
    SingleStreamBlock: ("pre_norm",),
}
"""Layers that write onto what these norms of theirs were given."""


def refuse_quantised(module: nn.Module, name: str) -> None:
    """Raise ValueError for weights that are no plain floating-point tensors (GGUF, NF4, int8)."""
    for key, weight in module.named_parameters():
        if type(weight) not in (nn.Parameter, Tensor) or not weight.is_floating_point():
            kind = f"{type(weight).__name__} of {weight.dtype}".replace("torch.", "")
            raise ValueError(
                f"{name}: its weights are quantised ({key} is a {kind}), which gives no "
                "gradients. Load it as float16, bfloat16 or float8, or set optimiser to 'through "
                "the loss only (FlowOpt)', which only calls the model."
            )


def normal(value: Any) -> Any:
    """A copy of tensors, of what holds them and of ComfyUI's conditions, free of inference mode."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: normal(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(normal(entry) for entry in value)
    if hasattr(value, "process_cond"):  # comfy.conds.CONDRegular and its kin
        twin = copy.copy(value)
        twin.cond = normal(value.cond)
        return twin
    return value


@contextmanager
def with_gradients(modules: Iterable[nn.Module], blocks: bool = False) -> Iterator[None]:
    """Leave inference mode with gradients through the modules; all is put back at the end.

    blocks: keep no activations inside the UNet's blocks either, which takes a third more time
    """
    with ExitStack() as undo:
        undo.enter_context(torch.inference_mode(False))
        undo.enter_context(torch.enable_grad())
        _use_pytorchs_attention(undo)
        if has_training_flag():  # newer hosts' fast kernels have no gradients
            undo.callback(setattr, model_management, "in_training", model_management.in_training)
            model_management.in_training = True
        parts = [part for root in modules for part in root.modules()]
        for module in parts:
            _use_normal_tensors(module, undo)
            if blocks and isinstance(module, _BLOCKS):
                _run_again_on_the_way_back(module, undo, own_copies)
            elif _casts(module):
                _run_again_on_the_way_back(module, undo)
        for layer in parts:  # last, so that the copy is what a layer that is run again keeps
            for norm in _norms_of_what_is_added_onto(layer):
                _replace_forward(norm, partial(_on_a_copy, norm.forward), undo)
        yield


def _use_pytorchs_attention(undo: ExitStack) -> None:
    """In every module of ComfyUI's models: the transformers keep names of their own for it."""
    names = ("optimized_attention", "optimized_attention_masked")
    homes = [one for name, one in list(sys.modules.items()) if name.startswith("comfy.ldm.")]
    for home, name in ((home, name) for home in homes for name in names if name in vars(home)):
        undo.callback(setattr, home, name, getattr(home, name))
        setattr(home, name, _pytorchs_attention)


def _pytorchs_attention(*args: Any, **kwargs: Any) -> Tensor:
    """PyTorch's, also in a layer whose file prefers another: newer ComfyUI would take its int8."""
    kwargs.pop("preferred_attention", None)
    return attention.attention_pytorch(*args, **kwargs)


def _over_the_same_memory(tensor: Tensor) -> Tensor:
    new = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    layout = (tensor.storage_offset(), tensor.shape, tensor.stride())
    return new.set_(tensor.untyped_storage(), *layout)  # type: ignore[arg-type]


def _use_normal_tensors(module: nn.Module, undo: ExitStack) -> None:
    homes: tuple[Any, ...] = (module._parameters, module._buffers)
    for home in homes:
        for name, tensor in home.items():
            if tensor is None or not tensor.is_inference():
                continue
            twin = _over_the_same_memory(tensor)
            if home is module._parameters:
                twin = nn.Parameter(twin, requires_grad=False)
            undo.callback(home.__setitem__, name, tensor)
            home[name] = twin


def _casts(module: nn.Module) -> bool:
    """Whether a layer makes a copy of its weights in every call: other dtype, low VRAM, patches."""
    functions = ("weight_function", "bias_function")
    return getattr(module, "comfy_cast_weights", False) or any(
        getattr(module, name, None) for name in functions
    )


def _run_again_on_the_way_back(
    module: nn.Module, undo: ExitStack, given: Callable[[Callable], Callable] = lambda run: run
) -> None:
    run = given(module.forward)
    again = partial(checkpoint, run, use_reentrant=False, preserve_rng_state=False)
    _replace_forward(module, again, undo)


def own_copies(forward: Callable) -> Callable:
    """A block on copies of its tensors: FLUX's and SD3's add onto what they are given, which the
    second run must find as it was."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return forward(*map(_copied, args), **{k: _copied(v) for k, v in kwargs.items()})

    return run


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _norms_of_what_is_added_onto(layer: nn.Module) -> Iterator[Any]:
    for kind, names in _ADDED_ONTO.items():
        if isinstance(layer, kind):
            yield from (getattr(layer, name) for name in names if hasattr(layer, name))


def _on_a_copy(forward: Callable, x: Tensor) -> Tensor:
    return forward(x.clone())


def _replace_forward(module: nn.Module, forward: Callable, undo: ExitStack) -> None:
    own = vars(module).get("forward")
    undo.callback(_set_or_delete, vars(module), "forward", own)
    module.forward = forward


def _set_or_delete(attributes: dict, name: str, value: Any) -> None:
    if value is None:
        attributes.pop(name, None)
    else:
        attributes[name] = value
