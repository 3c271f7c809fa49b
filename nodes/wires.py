"""What the API lets through: values typed where only a wire fits, null for a value, and words that
are no choice."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable
from typing import Any

from comfy_api.latest import io

_LISTED = ("file", "name", "clipseg", "llava", "vision_tower", "mllm", "example")
"""Choices that their nodes look at themselves: files, where to put them; and an earlier edition's
names of examples, which are not in the list and load."""


def _sockets(schema: io.Schema) -> dict[str, str]:
    """Inputs without a widget that take one type, and that type."""
    found = {}
    for one in schema.inputs or []:
        if not isinstance(one, io.WidgetInput | io.AnyType.Input):
            found[one.id] = one.get_io_type()
    return found


def _choices(schema: io.Schema) -> dict[str, list]:
    """Inputs that take one of a few words, and those; older hosts do not look at them."""
    combos = [one for one in schema.inputs or [] if isinstance(one, io.Combo.Input)]
    return {one.id: list(one.options or []) for one in combos if one.id not in _LISTED}


def _names(schema: io.Schema) -> set[str]:
    """Choices by the name of a file or an example."""
    combos = [one.id for one in schema.inputs or [] if isinstance(one, io.Combo.Input)]
    return set(combos).intersection(_LISTED)


def _of_any_type(schema: io.Schema) -> set[str]:
    """Inputs whose type may be any, so that None is one of its values."""
    return {one.id for one in schema.inputs or [] if isinstance(one, io.AnyType.Input)}


def _required(schema: io.Schema) -> dict[str, str]:
    """Inputs that a node cannot do without, and their type; of any type, None is one."""
    asked = [one for one in schema.inputs or [] if not isinstance(one, io.AnyType.Input)]
    return {one.id: _kind(one) for one in asked if not one.optional}


def _kind(one: io.Input) -> str:
    """An input's type in words of a user."""
    return "one of its choices" if isinstance(one, io.Combo.Input) else one.get_io_type()


def _no_choice(
    node: type[io.ComfyNode], names: set[str], choices: dict[str, list], given: dict[str, Any]
) -> str | None:
    """What is wrong with the first word that is none of its input's; None where all are."""
    for name in [one for one in names if not isinstance(given.get(one), str | None)]:
        return f"{name}: expected a name from its list, got {reprlib.repr(given[name])}."
    for name in [one for one in choices if given.get(one) is not None]:
        if given[name] in choices[name]:
            continue
        now = _choices(node.define_schema())[name]  # a pack loaded later may bring samplers
        if given[name] not in now:
            words = ", ".join(map(str, now))
            return f"{name}: expected one of {words}, got {reprlib.repr(given[name])}."
    return None


def only_wires(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The node class, which now refuses values typed into its sockets when a run is queued.

    So are words that are no choice. Its own ``validate_inputs``, where it has one, is asked next. A
    null is as good as a wire until then: when the node runs it is refused, or, of an optional
    input, taken for nothing given.
    """
    schema, name = node.define_schema(), "validate_inputs"
    if not schema.is_input_list:
        node.execute = classmethod(_sensible(node, schema))  # type: ignore[assignment]
    sockets, names, choices = _sockets(schema), _names(schema), _choices(schema)
    own: Any = node.validate_inputs if name in vars(node) else None
    taken = {} if own is None else dict(inspect.signature(own).parameters)

    def validate_inputs(cls, *args: Any, **given: Any) -> bool | str:
        given |= dict(zip(taken, args, strict=False))
        if schema.is_input_list:
            typed = {one: values[0] if values else None for one, values in given.items()}
        else:
            typed = given
        for socket in [one for one in sockets if typed.get(one) is not None]:  # None is a wire
            got = reprlib.repr(typed[socket])
            return f"{socket}: expected a wire of {sockets[socket]}, got {got}."
        wrong = _no_choice(node, names, choices, typed)
        if wrong is not None or own is None:
            return wrong or True
        return own(**{key: given[key] for key in given if key in taken})

    # ComfyUI hands over what is named, and leaves the named ones' ranges to the node.
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    named = ["cls", *dict.fromkeys([*taken, *sockets, *choices])]
    signature = inspect.Signature([inspect.Parameter(one, kind, default=None) for one in named])
    validate_inputs.__signature__ = signature  # type: ignore[attr-defined]
    node.validate_inputs = classmethod(validate_inputs)  # type: ignore[assignment]
    return node


def _sensible(node: type[io.ComfyNode], schema: io.Schema) -> Callable:
    """A node's `execute` that is asked with all it requires, with choices, and never with None."""
    required, names, choices = _required(schema), _names(schema), _choices(schema)
    of_any = _of_any_type(schema)
    execute: Callable = node.execute.__func__  # type: ignore[attr-defined]

    @functools.wraps(execute)
    def asked(cls, *args: Any, **given: Any) -> Any:
        for name in [one for one in required if one in given and given[one] is None]:
            raise ValueError(
                f"{name}: expected {required[name]}, got nothing. Give or connect one."
            )
        wrong = _no_choice(node, names, choices, given)
        if wrong is not None:
            raise ValueError(wrong)
        kept = {key: one for key, one in given.items() if one is not None or key in of_any}
        return execute(cls, *args, **kept)

    return asked
