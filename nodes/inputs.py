"""A node's inputs as records: each written once, as a field that says what ComfyUI is told.

@dataclass(frozen=True)
class Window:
    end: float = given(io.Float, default=0.2, min=0.0, max=1.0, tooltip="...")

inputs=[*inputs(Window)]                                      # in define_schema

@classmethod
@takes_records()
def execute(cls, window: Window) -> io.NodeOutput: ...        # ComfyUI gives `end`
"""

import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, field, fields, is_dataclass
from typing import Any

from comfy_api.latest import io


def given(kind: Any, *, lacking: Any = None, **options: Any) -> Any:
    """A record's field that is a node's input: its ComfyUI type and that type's own options.

    lacking: the value where a saved prompt has none, where that is not what a new node shows
    """
    default = options.get("default") if lacking is None else lacking
    return field(default=default, metadata={"kind": kind, "options": options})


def _given(record: type, without: Sequence[str]) -> Iterator[Field]:
    return (one for one in fields(record) if one.name not in without)


def inputs(record: type, without: Sequence[str] = (), **known: dict[str, Any]) -> list[io.Input]:
    """A record's fields for a schema, in their order.

    known: options of fields, by their names, that are known only when the schema is made
    """
    return [
        one.metadata["kind"].Input(one.name, **one.metadata["options"], **known.get(one.name, {}))
        for one in _given(record, without)
    ]


def _flat(parameter: inspect.Parameter, hints: dict, without: Sequence[str]) -> list:
    record = hints.get(parameter.name)
    if not is_dataclass(record) or "kind" not in fields(record)[0].metadata:
        return [parameter.replace(kind=parameter.POSITIONAL_OR_KEYWORD)]
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=one.default if one.metadata["options"].get("optional") else parameter.empty,
        )
        for one in _given(typing.cast(type, record), without)
    ]


def takes_records(without: Sequence[str] = ()) -> Callable[[Callable], Callable]:
    """Decorate an `execute` (below `classmethod`) so that it gets records for its flat inputs.

    A parameter annotated with a record stands for the record's fields: its required inputs, then,
    with their defaults, its optional ones. without: fields that this node does not ask for.
    """

    def decorate(execute: Callable) -> Callable:
        cls, *named = inspect.signature(execute).parameters.values()
        hints = typing.get_type_hints(execute)
        parts = {parameter.name: _flat(parameter, hints, without) for parameter in named}
        flat = [one for part in parts.values() for one in part]
        flat.sort(key=lambda one: one.default is not one.empty)  # stable: required ones first
        signature = inspect.Signature([cls, *flat])

        @functools.wraps(execute)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = bound.arguments
            made = {}
            for name, part in parts.items():
                if [one.name for one in part] == [name]:
                    made[name] = values[name]
                else:
                    made[name] = hints[name](**{one.name: values[one.name] for one in part})
            return execute(values[cls.name], **made)

        typing.cast(Any, call).__signature__ = signature
        return call

    return decorate
