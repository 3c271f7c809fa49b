"""What the API lets through: values typed where only a wire fits, and null for a value."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable
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

    Its own ``validate_inputs``, where it has one, is asked next. A null is as good as a wire until
    then: when the node runs it is refused, or, of an optional input, taken for nothing given.
    """
    schema, name = node.define_schema(), "validate_inputs"
    if not schema.is_input_list:
        node.execute = classmethod(_given_something(node.execute.__func__, schema))  # type: ignore[attr-defined]
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


def _given_something(execute: Callable, schema: io.Schema) -> Callable:
    """An `execute` that is asked only with what is not None: all of its required inputs.

    But for those of any type, of which None is one.
    """
    wanted = {
        one.id: one.get_io_type()
        for one in schema.inputs or []
        if not one.optional and not isinstance(one, io.AnyType.Input)
    }

    @functools.wraps(execute)
    def asked(cls, *args: Any, **given: Any) -> Any:
        for name in [one for one in wanted if one in given and given[one] is None]:
            raise ValueError(f"{name}: expected {wanted[name]}, got nothing. Give or connect one.")
        told = {name: value for name, value in given.items() if value is not None}
        return execute(cls, *args, **told)

    return asked
