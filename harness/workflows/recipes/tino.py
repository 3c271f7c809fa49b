"""The TiNO-Edit example workflows as data, beside those of `recipes`."""

import json
from pathlib import Path
from typing import Any

from .parts import EXAMPLE, WITH_CIRCLE, Recipe, Wire, node, sections

RED = 0xD62728
SEEDS_FILE = Path(__file__).with_name("tino_seeds.json")
"""The seeds by which the templates' pictures are successes, see harness/author_tino_seeds.py."""
RECOLOURED = "a blue triangle and a red square on stripes"


def loaders() -> dict[str, dict]:
    return {
        "model": node("EmbeddedModelLoader", variant="drawing"),
        "latent_clip": node("LatentCLIPLoader"),
        "latent_vgg": node("LatentVGGLoader"),
        "picture": node("EmbeddedExample", example=EXAMPLE),
        "source": encoded(("picture", 0), "Source latent"),
    }


def encoded(pixels: Wire, title: str) -> dict:
    return node("VAEEncode", title, pixels=pixels, vae=("model", 2))


def target(prompt: str) -> dict[str, dict]:
    return {
        "target": node("PrimitiveString", "Target prompt", value=prompt),
        "positive": node("CLIPTextEncode", clip=("model", 1), text=("target", 0)),
    }


def user_mask(mask: Wire, image: Wire = ("picture", 0)) -> dict:
    return node("TiNOMask", mode="user", image=image, mask=mask)


def difference_mask() -> dict:
    return node("TiNOMask", mode="difference", image=("picture", 0), image2=("painted", 0))


def seed_of(name: str) -> int:
    """The seed that was chosen for a recipe by the rule."""
    return json.loads(SEEDS_FILE.read_text(encoding="utf-8"))[name]["seed"]


def optimize(name: str | None, title: str = "", **inputs: object) -> dict:
    given: dict[str, object] = {
        "model": ("model", 0),
        "positive": ("positive", 0),
        "source": ("source", 0),
        "mask": ("mask", 0),
        "latent_clip": ("latent_clip", 0),
        "latent_vgg": ("latent_vgg", 0),
    }
    given |= {} if name is None else {"seed": seed_of(name)}
    return node("TiNOOptimize", title, **{**given, **inputs})


def by_text() -> dict[str, Any]:
    """Inputs of the semantic loss."""
    texts = {"source_prompt": ("picture", 2), "target_prompt": ("target", 0)}
    return {**texts, "clip": ("model", 1)}


def saved(prefix: str, **pictures: Wire) -> dict[str, dict]:
    """The edit saved, all else only shown: lists of results show what is saved first."""
    edited = {"images": ("decoded", 0), "filename_prefix": f"{prefix}/edited"}
    shown = {"loss_curve": ("tino", 3), **pictures}
    return {
        "decoded": node("VAEDecode", samples=("tino", 0), vae=("model", 2)),
        "edited": node("SaveImage", "Edited", **edited),
        **{
            f"show_{name}": node("PreviewImage", name.replace("_", " ").capitalize(), images=wire)
            for name, wire in shown.items()
        },
    }


LOAD = ("Models and picture", ("model", "latent_clip", "latent_vgg", "picture", "source"))
OPTIMISE = ("Optimise the noise", ("tino",))
SAVE = ("Save", ("decoded", "edited", "show_loss_curve"))


def text() -> Recipe:
    name = "tino_text"
    nodes = {
        **loaders(),
        **target(RECOLOURED),
        "mask": user_mask(("picture", 3)),
        "tino": optimize(name, **by_text()),
        **saved(name),
    }
    say = ("Say what, and where", ("target", "positive", "mask"))
    return Recipe(name, nodes, sections(name, LOAD, say, OPTIMISE, SAVE))


def reference() -> Recipe:
    name = "tino_reference"
    cut = {"width": 56, "height": 56, "x": 6, "y": 6}
    nodes = {
        **loaders(),
        "other": node("EmbeddedExample", "Another picture", example=WITH_CIRCLE),
        "cut": node("ImageCrop", "The object in it", image=("other", 0), **cut),
        "shown": node(
            "ImageScale",
            image=("cut", 0),
            upscale_method="bicubic",
            width=128,
            height=128,
            crop="disabled",
        ),
        "reference": encoded(("shown", 0), "Reference latent"),
        **target("a blue triangle and a red circle on stripes"),
        "mask": user_mask(("picture", 3)),
        "tino": optimize(name, reference=("reference", 0)),
        **saved(name, reference=("shown", 0)),
    }
    show = ("Show the other picture", ("other", "cut", "shown", "reference"))
    where = ("Say so too, and where", ("target", "positive", "mask"))
    save = (SAVE[0], (*SAVE[1], "show_reference"))
    return Recipe(name, nodes, sections(name, LOAD, show, where, OPTIMISE, save))


def pasted(part: Wire, x: int, y: int) -> dict[str, dict]:
    return {
        "painted": node(
            "ImageCompositeMasked",
            "Paste",
            destination=("picture", 0),
            source=part,
            x=x,
            y=y,
            resize_source=False,
        ),
        "start": encoded(("painted", 0), "Start latent"),
        "mask": difference_mask(),
    }


def strokes() -> Recipe:
    name = "tino_strokes"
    nodes = {
        **loaders(),
        "stroke": node("EmptyImage", "A stroke", width=44, height=44, batch_size=1, color=RED),
        **pasted(("stroke", 0), 72, 12),
        **target(RECOLOURED),
        "preset": node("TiNOPreset", "What is best for strokes", kind="strokes"),
        "tino": optimize(name, start=("start", 0), defaults=("preset", 0), **by_text()),
        **saved(name, painted=("painted", 0)),
    }
    paint = ("Paint over the picture", ("stroke", "painted", "start", "mask"))
    say = ("Say what it shall show", ("target", "positive"))
    optimise = (OPTIMISE[0], ("preset", *OPTIMISE[1]))
    save = (SAVE[0], (*SAVE[1], "show_painted"))
    return Recipe(name, nodes, sections(name, LOAD, paint, say, optimise, save))


def composition() -> Recipe:
    name = "tino_composition"
    cut = {"width": 44, "height": 44, "x": 12, "y": 12}
    nodes = {
        **loaders(),
        "other": node("EmbeddedExample", "Another picture", example=WITH_CIRCLE),
        "part": node("ImageCrop", "The part to paste", image=("other", 0), **cut),
        **pasted(("part", 0), 12, 12),
        **target("a blue square and a blue triangle and a red circle on stripes"),
        "tino": optimize(name, start=("start", 0), **by_text()),
        **saved(name, painted=("painted", 0)),
    }
    paste = ("Paste a part of another picture", ("other", "part", "painted", "start", "mask"))
    say = ("Say what it shall show", ("target", "positive"))
    save = (SAVE[0], (*SAVE[1], "show_painted"))
    return Recipe(name, nodes, sections(name, LOAD, paste, say, OPTIMISE, save))


def compounded() -> Recipe:
    name = "tino_compounded"
    second = "a green triangle and a red square on stripes"
    again: dict[str, Any] = {
        "source": ("first", 0),
        "positive": ("positive 2", 0),
        "mask": ("mask 2", 0),
        "clip": ("model", 1),
        "source_prompt": ("target", 0),
        "target_prompt": ("target 2", 0),
    }
    nodes = {
        **loaders(),
        **target(RECOLOURED),
        "mask": user_mask(("picture", 3)),
        "first": optimize(name, "First edit", **by_text()),
        "first decoded": node("VAEDecode", samples=("first", 0), vae=("model", 2)),
        "target 2": node("PrimitiveString", "Target prompt of the second edit", value=second),
        "positive 2": node("CLIPTextEncode", clip=("model", 1), text=("target 2", 0)),
        "nothing": node("SolidMask", "Nothing", value=0.0, width=128, height=128),
        "box": node("SolidMask", "A box", value=1.0, width=56, height=50),
        "place": node(
            "MaskComposite",
            "The box at its place",
            destination=("nothing", 0),
            source=("box", 0),
            x=66,
            y=68,
            operation="add",
        ),
        "mask 2": user_mask(("place", 0), ("first decoded", 0)),
        "tino": optimize(name, "Second edit", **again),
        **saved(name, first=("first decoded", 0)),
    }
    where = ("place", "nothing", "box", "mask 2")
    frames = (
        LOAD,
        ("The first edit", ("target", "positive", "mask", "first", "first decoded")),
        ("Say what changes next", ("target 2", "positive 2", *where)),
        ("The second edit", ("tino",)),
        (SAVE[0], (*SAVE[1], "show_first")),
    )
    lower = {"first": (260.0, 900.0), "tino": (260.0, 900.0)}
    return Recipe(name, nodes, sections(name, *frames), sizes=lower)


TINO_RECIPES = (text, reference, strokes, composition, compounded)
