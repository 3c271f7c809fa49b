"""What each editing model wants: the one table that the nodes and docs/editing_models.md share."""

from __future__ import annotations

from dataclasses import replace

from .family import DIFFUSION_STOP, Family
from .newer_families import NEWER

_HUB = "https://huggingface.co/"

_PIX2PIX = Family(
    title="InstructPix2Pix",
    loader="CheckpointLoaderSimple",
    conditioning="InstructPixToPixConditioning",
    guider="DualCFGGuider",
    prediction="epsilon",
    sampler="euler_ancestral",
    scheduler="normal",
    steps=100,
    cfg=7.5,
    image_cfg=1.5,
    stop=DIFFUSION_STOP,
    licence="MIT; Stable Diffusion's terms may restrict it",
    url=_HUB + "timbrooks/instruct-pix2pix",
)
_KONTEXT = Family(
    title="FLUX.1 Kontext [dev]",
    loader="UNETLoader",
    conditioning="ReferenceLatent",
    guider="CFGGuider",
    prediction="flow",
    sampler="euler",
    scheduler="simple",
    steps=20,
    cfg=1.0,
    guidance=2.5,
    licence="FLUX.1 [dev] non-commercial",
    url=_HUB + "black-forest-labs/FLUX.1-Kontext-dev",
)
_EMBEDDED = replace(
    _PIX2PIX,
    title="Embedded model, editing",
    loader="EmbeddedModelLoader",
    prediction="v_prediction",
    sampler="euler",
    steps=20,
    cfg=2.0,
    stop=0.4,
    licence="Apache-2.0",
    url="",
)

FAMILIES: dict[str, Family] = {
    "instruct_pix2pix": _PIX2PIX,
    "magicbrush": replace(
        _PIX2PIX,
        title="MagicBrush",
        loader="EditModelLoader",
        licence="CreativeML OpenRAIL-M",
        url=_HUB + "vinesmsuic/magicbrush-jul7",
    ),
    "instruct_diffusion": replace(
        _PIX2PIX,
        title="InstructDiffusion",
        guider="InstructDiffusionGuider",
        cfg=5.0,
        image_cfg=1.25,
        url="https://github.com/cientgu/InstructDiffusion",
    ),
    "mgie": replace(
        _PIX2PIX,
        title="MGIE",
        loader="EditModelLoader, MGIELoader",
        licence="Apple's and LLaMA's terms, non-commercial",
        url="https://github.com/apple/ml-mgie",
    ),
    "ultraedit": Family(
        title="UltraEdit",
        loader="EditModelLoader",
        conditioning="UltraEditConditioning",
        guider="DualCFGGuider",
        prediction="flow",
        sampler="euler",
        scheduler="normal",
        steps=50,
        cfg=7.0,
        image_cfg=1.5,
        licence="Stability AI Community",
        url=_HUB + "BleachNick/SD3_UltraEdit_w_mask",
    ),
    "cosxl_edit": replace(
        _PIX2PIX,
        title="CosXL-Edit",
        prediction="v_prediction",
        sampler="euler",
        scheduler="exponential",
        steps=20,
        cfg=7.0,
        licence="Stability AI non-commercial research",
        url=_HUB + "stabilityai/cosxl",
    ),
    "flux_kontext": _KONTEXT,
    "qwen_image_edit": replace(
        _KONTEXT,
        title="Qwen-Image-Edit",
        conditioning="TextEncodeQwenImageEdit",
        cfg=2.5,
        guidance=None,
        licence="Apache-2.0",
        url=_HUB + "Qwen/Qwen-Image-Edit",
    ),
    "omnigen2": replace(
        _KONTEXT,
        title="OmniGen2",
        guider="DualCFGGuider",
        cfg=5.0,
        image_cfg=2.0,
        guidance=None,
        licence="Apache-2.0",
        url=_HUB + "OmniGen2/OmniGen2",
    ),
    "hidream_e1": replace(
        _KONTEXT,
        title="HiDream-E1.1",
        conditioning="InstructPixToPixConditioning",
        guider="DualCFGGuider",
        cfg=3.0,
        image_cfg=1.5,
        guidance=None,
        licence="MIT",
        url=_HUB + "HiDream-ai/HiDream-E1-1",
    ),
    "flux2": replace(
        _KONTEXT,
        title="FLUX.2 [dev]",
        scheduler="flux2",
        guidance=4.0,
        licence="FLUX.2 [dev] non-commercial",
        url=_HUB + "black-forest-labs/FLUX.2-dev",
    ),
    **NEWER,
    "embedded": _EMBEDDED,
    "embedded_flow": replace(
        _EMBEDDED, title="Embedded model, flow", prediction="flow", scheduler="simple"
    ),
}
"""Every editing model the pack knows, in the order of the page's table."""


def table() -> str:
    """The families as the Markdown table of docs/editing_models.md."""
    head = (
        "| model | loader | source picture | guider | predicts | sampler | steps | guidance "
        "| stop, window | weights |"
    )
    lines = [head, "|" + "---|" * 10]
    for family in FAMILIES.values():
        shown = [f"{family.cfg:g}"]
        shown += [f"image {family.image_cfg:g}"] if family.image_cfg is not None else []
        shown += [f"embedded {family.guidance:g}"] if family.guidance is not None else []
        name = f"[{family.title}]({family.url})" if family.url else family.title
        cells = (
            name,
            family.loader,
            family.conditioning,
            family.guider,
            family.prediction,
            f"{family.sampler}, {family.scheduler}",
            family.steps,
            ", ".join(shown),
            family.when(),
            family.licence,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
