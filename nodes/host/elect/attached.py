"""Code that other nodes hung on a MODEL, and whether a candidate may be resumed past it.

A tape answers the first calls of a resumed run, so what hangs on the model never sees them. Code
that remembers earlier calls would then answer otherwise than in the run it belongs to. It counts as
harmless if it is listed as that (see `harmless`), or if it can be seen to remember nothing: a plain
function of ComfyUI's own (or ours) that writes to no variable outside itself and holds no container
or object to write into.
"""

import dis
import types
from collections.abc import Iterator
from typing import Any

import comfy.model_patcher
import comfy.samplers
import torch

from .harmless import known
from .origin import is_own, layers, made_by_others, plain

HOOKS = (
    "sampler_cfg_function",
    "sampler_pre_cfg_function",
    "sampler_post_cfg_function",
    "sampler_calc_cond_batch_function",
    "model_function_wrapper",
)
_PATCHES = ("patches", "patches_replace", "wrappers")
_NODES = {"KV_Attn_Input": "Flux KV Cache"}
# Settings of caches that skip no call: Qwen-Image 2.1 keeps the keys and values of text and
# pictures, which are made at timestep 0 whatever the step, told apart row by row of the batch.
_OF_WHAT_STAYS = ("qwen_image21_cache",)
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.Tensor, torch.dtype, type)


def _name(code: Any) -> str:
    return getattr(code, "__qualname__", None) or type(code).__qualname__


def _node(code: Any) -> str:
    """As a user knows it: by its node where the code's own name does not tell."""
    name = _name(code)
    return f"{_NODES[name]} ({name})" if name in _NODES else name


def _holds_nothing(value: Any, seen: tuple) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(_holds_nothing(one, seen) for one in value)
    if isinstance(value, types.FunctionType):  # as good as called
        return value in seen or known(value) is not None or not _remembers(value, seen)
    return isinstance(value, (*_PLAIN, types.ModuleType))


def _remembers(code: Any, seen: tuple = ()) -> bool:
    """Whether a callable could carry something from one call to the next."""
    if plain(code) is None or isinstance(code, types.MethodType) or not is_own(code):
        return True
    return any(_may_write(one, (*seen, code)) for one in layers(code))


def _may_write(function: types.FunctionType, seen: tuple) -> bool:
    stores = {"STORE_GLOBAL", "DELETE_GLOBAL"}
    free = set(function.__code__.co_freevars)
    for one in dis.get_instructions(function):
        if one.opname in stores or (one.opname == "STORE_DEREF" and one.argval in free):
            return True
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return not all(_holds_nothing(value, seen) for value in cells)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        yield value
        return
    for one in value:
        yield from _leaves(one)


def hooks(options: dict) -> list[Any]:
    """What is called with the predictions of a whole batch, out of model_options."""
    return list(_leaves([options[name] for name in HOOKS if name in options]))


def _hung_on(patcher: comfy.model_patcher.ModelPatcher, options: dict) -> Iterator[Any]:
    inner = options.get("transformer_options", {})
    yield from hooks(options)
    yield from _leaves([inner.get(name, {}) for name in _PATCHES])
    yield from _leaves(getattr(patcher, "wrappers", {}))


def attached_names(patcher: comfy.model_patcher.ModelPatcher) -> list[str]:
    """Names of all code and parts that hang on a MODEL, in the order of the alphabet.

    Kept in files of candidates: what it leaves out, older files do not say either.
    """
    options = patcher.model_options
    return sorted({*map(_name, _hung_on(patcher, options)), *patcher.object_patches})


def asked_at_calls(patcher: comfy.model_patcher.ModelPatcher, options: dict) -> Iterator[Any]:
    """All code on a MODEL that takes part in its calls."""
    inner = options.get("transformer_options", {})
    yield from _hung_on(patcher, options)
    if "denoise_mask_function" in options:
        yield options["denoise_mask_function"]
    others = [value for name, value in inner.items() if name not in (*_PATCHES, "callbacks")]
    yield from (value for value in others if callable(value) and not isinstance(value, _PLAIN))


def _at_other_times(patcher: comfy.model_patcher.ModelPatcher, options: dict) -> Iterator[Any]:
    """What changes the model before a run or between its steps: also of a run that is resumed."""
    inner = options.get("transformer_options", {})
    yield from _leaves([getattr(patcher, "callbacks", {}), inner.get("callbacks", {})])
    for one in _leaves(getattr(patcher, "injections", {})):
        yield from (one.inject, one.eject)


def step_cache(options: dict) -> str | None:
    """Name of a step cache: it skips model calls by what it remembers of earlier ones.

    ComfyUI's EasyCache and LazyCache, TeaCache and their like keep it in transformer_options. They
    begin anew with every run.
    """
    inner = options.get("transformer_options", {})
    named = [key for key, value in inner.items() if "cache" in key.lower() and value]
    found = [(key, inner[key]) for key in named if key not in _OF_WHAT_STAYS]
    return next((str(getattr(value, "name", key)) for key, value in found), None)


def _foreign_model(patcher: comfy.model_patcher.ModelPatcher) -> str | None:
    """Class of the model, or of what it calls, where that is another pack's (Nunchaku's are)."""
    for part in (patcher.model, patcher.get_model_object("diffusion_model")):
        if any(known(code) is None for code in made_by_others(part)):
            return type(part).__qualname__
    return None


def may_remember(guider: comfy.samplers.CFGGuider) -> str | None:
    """What of a guider and its MODEL is not known to be stateless, in words; None if all is."""
    patcher, options = guider.model_patcher, guider.model_options
    if any(known(code) is None for code in made_by_others(guider)):
        return f"the guider {_name(guider)} is another pack's and may remember earlier calls"
    foreign = _foreign_model(patcher)
    if foreign is not None:
        return f"the model itself ({foreign}) is another pack's and may remember earlier calls"
    cache = step_cache(options)
    if cache is not None:
        return f"the model carries {cache}, a step cache, which remembers earlier calls"
    for code in asked_at_calls(patcher, options):
        if known(code) is None and _remembers(code):
            return f"the model carries {_node(code)}, which may remember earlier calls"
    for code in _at_other_times(patcher, options):
        if known(code) is None and not is_own(code):
            return f"the model is changed by another pack's {_name(code)}"
    handler = options.get("context_handler")
    if handler is not None and made_by_others(handler):
        return f"another pack's {_name(handler)} cuts the picture into windows"
    replaced = guider.model_patcher.object_patches.items()
    key = next((k for k, v in replaced if not isinstance(v, _PLAIN) and made_by_others(v)), None)
    return f"another pack has replaced the model's {key}" if key is not None else None
