"""Code that other nodes hung on a MODEL, and whether a candidate may be resumed past it.

A tape answers the first calls of a resumed run, so what hangs on the model never sees them. Code
that remembers earlier calls would then answer otherwise than in the run it belongs to. It counts as
harmless only if it can be seen to remember nothing: a plain function of ComfyUI's own (or ours)
that writes to no variable outside itself and holds no container or object to write into.
"""

import dis
import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.model_patcher
import comfy.samplers
import torch

_HOOKS = (
    "sampler_cfg_function",
    "sampler_pre_cfg_function",
    "sampler_post_cfg_function",
    "sampler_calc_cond_batch_function",
    "model_function_wrapper",
)
_HOST = Path(inspect.getfile(comfy.samplers)).resolve().parent.parent
_PACK = Path(__file__).resolve().parents[3]
_OWN = (
    *(_HOST / name for name in ("comfy", "comfy_extras", "comfy_api")),
    *(_PACK / name for name in ("nodes", "embedded", "edit_models")),
)
_HOST_FILES = (_HOST / "nodes.py",)
_TORCH = Path(inspect.getfile(torch)).resolve().parent
# Known to remember nothing that matters: torch.compile's wrapper keeps the compiled modules.
_HARMLESS = ("apply_torch_compile_factory.",)
_NODES = {"KV_Attn_Input": "Flux KV Cache"}
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.Tensor, torch.dtype, type)
_CODE = (types.FunctionType, types.ModuleType)


def _name(code: Any) -> str:
    return getattr(code, "__qualname__", None) or type(code).__qualname__


def _node(code: Any) -> str:
    """As a user knows it: by its node where the code's own name does not tell."""
    name = _name(code)
    return f"{_NODES[name]} ({name})" if name in _NODES else name


def plain(code: Any) -> types.FunctionType | None:
    """The function itself, freed of torch's own decorators; None for anything but a function."""
    if isinstance(code, types.MethodType):
        code = code.__func__
    while isinstance(code, types.FunctionType) and hasattr(code, "__wrapped__"):
        if not Path(code.__code__.co_filename).resolve().is_relative_to(_TORCH):
            return None
        code = code.__wrapped__
    return code if isinstance(code, types.FunctionType) else None


def is_own(code: Any) -> bool:
    """Whether a callable is a plain function of ComfyUI's or this pack's files, by its code.

    Names prove nothing: other packs copy them (`functools.wraps`).
    """
    function = plain(code)
    if function is None:
        return False
    path = Path(function.__code__.co_filename).resolve()
    return path in _HOST_FILES or any(path.is_relative_to(folder) for folder in _OWN)


def _holds_nothing(value: Any) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(map(_holds_nothing, value))
    return isinstance(value, _PLAIN + _CODE)


def _remembers(code: Any) -> bool:
    """Whether a callable could carry something from one call to the next."""
    function = plain(code)
    if function is None or isinstance(code, types.MethodType):
        return True
    stores = {"STORE_GLOBAL", "DELETE_GLOBAL"}
    free = set(function.__code__.co_freevars)
    for one in dis.get_instructions(function):
        if one.opname in stores or (one.opname == "STORE_DEREF" and one.argval in free):
            return True
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return not all(_holds_nothing(value) for value in cells)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        yield value
        return
    for one in value:
        yield from _leaves(one)


def _attached_to(patcher: comfy.model_patcher.ModelPatcher, options: dict) -> Iterator[Any]:
    inner = options.get("transformer_options", {})
    yield from _leaves([options[name] for name in _HOOKS if name in options])
    yield from _leaves([inner.get(name, {}) for name in ("patches", "patches_replace", "wrappers")])
    yield from _leaves(getattr(patcher, "wrappers", {}))


def attached_names(patcher: comfy.model_patcher.ModelPatcher) -> list[str]:
    """Names of all code and parts that hang on a MODEL, in the order of the alphabet."""
    options = patcher.model_options
    return sorted({*map(_name, _attached_to(patcher, options)), *patcher.object_patches})


def _foreign_objects(guider: comfy.samplers.CFGGuider) -> Iterator[str]:
    """Replaced parts of the model whose class, or function, is neither ComfyUI's nor torch's."""
    for key, value in guider.model_patcher.object_patches.items():
        function = isinstance(value, types.FunctionType)
        # torch's own class is the host's too, whoever has patched it: it is every model's base.
        kinds = [] if function else set(type(value).__mro__) - {torch.nn.Module, object}
        codes = [one for kind in kinds for one in vars(kind).values() if plain(one) is not None]
        codes = codes or [value]
        outside = [one for one in codes if not is_own(one) and not _is_torchs(one)]
        if outside and not isinstance(value, _PLAIN):
            yield key


def _is_torchs(code: Any) -> bool:
    function = plain(code)
    return function is not None and Path(function.__code__.co_filename).resolve().is_relative_to(
        _TORCH
    )


def may_remember(guider: comfy.samplers.CFGGuider) -> str | None:
    """What on the guider's MODEL is not known to be stateless, in words; None if all of it is."""
    for code in _attached_to(guider.model_patcher, guider.model_options):
        if _name(code).startswith(_HARMLESS) and is_own(code):
            continue
        if not is_own(code) or _remembers(code):
            return f"the model carries {_node(code)}, which may remember earlier calls"
    key = next(_foreign_objects(guider), None)
    return f"another pack has replaced the model's {key}" if key is not None else None
