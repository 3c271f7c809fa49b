"""Which inputs of a node type are widgets, in the order in which their values are stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "MARKDOWN", "COLOR"}
AUTOGROW = "COMFY_AUTOGROW_V3"
SEED_NAMES = {"seed", "noise_seed"}
UPLOADS = ("image_upload", "video_upload", "audio_upload", "animated_image_upload")
NO_DEFAULT = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False, "MARKDOWN": ""}


@dataclass(frozen=True)
class NodeInput:
    """One input of a node type, from /object_info.

    fillers  values that follow the widget's own in widgets_values and are not inputs: the
             "control after generate" choice of a seed, the button of an upload
    """

    name: str
    type: str
    is_widget: bool
    optional: bool = False
    default: Any = None
    multiline: bool = False
    advanced: bool = False
    fillers: tuple[Any, ...] = field(default=())


def node_inputs(info: dict) -> list[NodeInput]:
    """All inputs of a node type in the frontend's order: required, then optional."""
    return [
        given
        for kind in ("required", "optional")
        for name, spec in ordered(info, kind)
        for given in read_inputs(name, spec, kind == "optional")
    ]


def read_inputs(name: str, spec: list, optional: bool) -> list[NodeInput]:
    """The input, or, of one that grows as it is wired (newer ComfyUI), the first it shows."""
    if spec[0] != AUTOGROW:
        return [read_input(name, spec, optional)]
    template = spec[1]["template"]
    names = template.get("names") or [f"{template.get('prefix', name)}0"]
    kinds = template["input"].get("required") or template["input"].get("optional") or {}
    (inner,) = kinds.values()
    return [read_input(f"{name}.{names[0]}", inner, True)]


def ordered(info: dict, kind: str) -> Iterator[tuple[str, list]]:
    specs = info["input"].get(kind) or {}
    for name in info.get("input_order", {}).get(kind) or specs:
        yield name, specs[name]


def read_input(name: str, spec: list, optional: bool) -> NodeInput:
    options: dict = spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}
    choices = spec[0] if isinstance(spec[0], list) else options.get("options")
    kind = "COMBO" if isinstance(spec[0], list) else str(spec[0])
    widget_kind = options.get("widgetType", kind)
    return NodeInput(
        name=name,
        type=kind,
        is_widget=widget_kind in WIDGET_TYPES and not options.get("forceInput"),
        optional=optional,
        default=default_value(widget_kind, options, choices),
        multiline=bool(options.get("multiline")),
        advanced=bool(options.get("advanced")),
        fillers=filler_values(name, widget_kind, options),
    )


def default_value(kind: str, options: dict, choices: list | None) -> Any:
    if "default" in options:
        return options["default"]
    if kind == "COMBO":
        return choices[0] if choices else None
    return NO_DEFAULT.get(kind)


def filler_values(name: str, kind: str, options: dict) -> tuple[Any, ...]:
    seeded = options.get("control_after_generate", kind == "INT" and name in SEED_NAMES)
    if seeded:
        return ("fixed", "") if kind == "COMBO" else ("fixed",)
    if kind == "COMBO" and any(options.get(upload) for upload in UPLOADS):
        return ("image",)
    return ()
