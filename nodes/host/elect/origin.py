"""Whose code it is: told by the file that the code itself lies in.

Names prove nothing: other packs copy them (`functools.wraps`).
"""

import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.samplers
import torch

HOST = Path(inspect.getfile(comfy.samplers)).resolve().parent.parent
_PACK = Path(__file__).resolve().parents[3]
_OWN = (
    *(HOST / name for name in ("comfy", "comfy_extras", "comfy_api")),
    *(_PACK / name for name in ("nodes", "embedded", "edit_models")),
)
_HOST_FILES = (HOST / "nodes.py",)
_TORCH = Path(inspect.getfile(torch)).resolve().parent


def file_of(function: types.FunctionType) -> Path:
    """The file that a function's code was compiled from."""
    return Path(function.__code__.co_filename).resolve()


def qualified_name(function: types.FunctionType) -> str:
    """Its code's own qualified name; before Python 3.11 only the function has one."""
    return getattr(function.__code__, "co_qualname", function.__qualname__)


def _in_own_file(function: types.FunctionType) -> bool:
    path = file_of(function)
    return path in _HOST_FILES or any(path.is_relative_to(folder) for folder in _OWN)


def is_torchs(code: Any) -> bool:
    """Whether it is a function of torch's."""
    function = plain(code)
    return function is not None and file_of(function).is_relative_to(_TORCH)


def layers(code: Any) -> Iterator[types.FunctionType]:
    """A function and what it decorates, from the outside in; nothing for anything else.

    Ends at the first one that another pack has put around it.
    """
    if isinstance(code, types.MethodType):
        code = code.__func__
    while isinstance(code, types.FunctionType):
        yield code
        if not (_in_own_file(code) or file_of(code).is_relative_to(_TORCH)):
            return
        code = getattr(code, "__wrapped__", None)


def plain(code: Any) -> types.FunctionType | None:
    """The function itself, freed of torch's and ComfyUI's own decorators.

    None for anything but a function, and for one that another pack has wrapped.
    """
    found = list(layers(code))
    return found[-1] if found and not hasattr(found[-1], "__wrapped__") else None


def is_own(code: Any) -> bool:
    """Whether a callable is a plain function of ComfyUI's or this pack's files."""
    function = plain(code)
    return function is not None and _in_own_file(function)


def made_by_others(value: Any) -> list[Any]:
    """What of an object's class, or of a function, is neither ComfyUI's nor torch's; [] if nothing.

    An object whose class has no code to tell it by counts as foreign itself.
    """
    function = isinstance(value, types.FunctionType)
    # torch's own class is the host's too, whoever has patched it: it is every model's base.
    kinds = [] if function else set(type(value).__mro__) - {torch.nn.Module, object}
    codes = [one for kind in kinds for one in vars(kind).values() if plain(one) is not None]
    return [one for one in codes or [value] if not is_own(one) and not is_torchs(one)]
