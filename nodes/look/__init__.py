"""What a person sees of the nodes: names, search words, everyday inputs, what outputs mean.

A node's own file says what it computes; the tables here say how it is found and read. Node ids
and input names are permanent, everything here may change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..host.versions import fold_away, schema_extras
from . import edit_models, elect, judging, tino
from .look import Look

LOOKS: dict[str, Look] = {**elect.LOOKS, **edit_models.LOOKS, **tino.LOOKS, **judging.LOOKS}


def dressed(schema: io.Schema, look: Look) -> io.Schema:
    """The schema with the look's name and words; inputs and outputs stay as many as they are."""
    for one in schema.inputs or []:
        if one.id in look.advanced:
            fold_away(one)
        one.tooltip = one.tooltip or look.inputs.get(one.id)
    outputs = schema.outputs or []
    for one, tooltip in zip(outputs, look.outputs, strict=False):
        one.tooltip = one.tooltip or tooltip
    extras = schema_extras(search_aliases=list(look.search))
    return replace(schema, display_name=look.name or schema.display_name, **extras)


def with_look(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The node class, its schema dressed by its id; one without a look stays as it is."""
    plain: Any = node.define_schema

    def define_schema(cls) -> io.Schema:
        schema = plain()
        look = LOOKS.get(schema.node_id)
        return schema if look is None else dressed(schema, look)

    node.define_schema = classmethod(define_schema)  # type: ignore[method-assign]
    return node
