"""Inputs that only a wire fits: a value typed there, which the API lets through, is refused."""

from __future__ import annotations

import inspect
import reprlib
from typing import Any

from comfy_api.latest import io


def _sockets(schema: io.Schema) -> dict[str, str]:
    """Inputs without a widget that take one type, and that type."""
    found = {}
    for one in schema.inputs or []:
        if not isinstance(one, io.WidgetInput | io.AnyType.Input):
            found[one.id] = one.get_io_type()
    return found


def only_wires(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The node class, which now refuses values typed into its sockets when a run is queued.

    Its own ``validate_inputs``, where it has one, is asked next.
    """
    schema, name = node.define_schema(), "validate_inputs"
    sockets = _sockets(schema)
    own: Any = node.validate_inputs if name in vars(node) else None
    taken = {} if own is None else dict(inspect.signature(own).parameters)

    def validate_inputs(cls, *args: Any, **given: Any) -> bool | str:
        given |= dict(zip(taken, args, strict=False))
        for socket in [one for one in sockets if one in given]:
            typed = given[socket][0] if schema.is_input_list else given[socket]
            if typed is not None:  # None is a wire: what comes is not yet known
                got = reprlib.repr(typed)
                return f"{socket}: expected a wire of {sockets[socket]}, got {got}."
        return True if own is None else own(**{key: given[key] for key in given if key in taken})

    # ComfyUI hands over what is named, and leaves the named ones' ranges to the node.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    named = ["cls", *taken, *(socket for socket in sockets if socket not in taken)]
    signature = inspect.Signature([inspect.Parameter(one, kind, default=None) for one in named])
    validate_inputs.__signature__ = signature  # type: ignore[attr-defined]
    node.validate_inputs = classmethod(validate_inputs)  # type: ignore[assignment]
    return node
