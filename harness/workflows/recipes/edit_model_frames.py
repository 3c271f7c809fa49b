"""The five frames that every editing model's workflow has: load, say, try, elect, finish."""

from __future__ import annotations

from .edit_model_notes import notes_of
from .model_files import Loaders
from .parts import Recipe, Section, Wire, node, saved, stages

INSTRUCTION = "make the dress red"
NUM_CANDIDATES = 8
_FRAMES = (
    "Model and picture",
    "Say what to change",
    "Try many seeds",
    "Elect the steadiest background",
    "Finish that one",
)
_MOST_SAID = 7
"""Nodes that the second frame holds; of more, the guider stands in the third."""
_ELECT = ("estimates", "relevance", "elected")
_FINISH = ("resumed", "decoded", "edited", "overlay")


def photo(family: str) -> dict[str, dict]:
    """The source picture at a size the family takes, so that source and result lie aligned."""
    return {
        "photo": node("LoadImage", "Source picture", image="example.png"),
        "picture": node("EditSize", image=("photo", 0), family=family),
    }


def texts(clip: Wire) -> dict[str, dict]:
    return {
        "instruction": node("CLIPTextEncode", "Instruction", clip=clip, text=INSTRUCTION),
        "empty": node("CLIPTextEncode", "Empty text", clip=clip, text=""),
    }


def shown(vae: Wire, positive: str = "instruction", negative: Wire = ("empty", 0)) -> dict:
    """Both texts with the source picture, as InstructPix2Pix and its kin are shown it."""
    picture = {"vae": vae, "pixels": ("picture", 0)}
    return node(
        "InstructPixToPixConditioning", positive=(positive, 0), negative=negative, **picture
    )


def dual(model: Wire, both: Wire, picture: Wire, neither: Wire) -> dict:
    """InstructPix2Pix's rule, with the scales that EditModelDefaults puts out."""
    return node(
        "DualCFGGuider",
        model=model,
        cond1=both,
        cond2=picture,
        negative=neither,
        cfg_conds=("defaults", 2),
        cfg_cond2_negative=("defaults", 3),
        style="regular",
    )


def plain_guider(positive: Wire, negative: Wire, model: Wire = ("model", 0)) -> dict:
    """CFGGuider with the scale that EditModelDefaults puts out."""
    wires = {"model": model, "positive": positive, "negative": negative}
    return node("CFGGuider", **wires, cfg=("defaults", 2))


def encoded() -> dict:
    return node("VAEEncode", pixels=("picture", 0), vae=("vae", 0))


def recipe(
    family: str,
    loading: Loaders,
    saying: dict[str, dict],
    latent: Wire,
    vae: Wire = ("vae", 0),
    model: Wire = ("model", 0),
    pictures: dict[str, dict] | None = None,
    defaults: dict[str, Wire] | None = None,
    source: Wire | None = None,
    **sampling: object,
) -> Recipe:
    """A workflow of five frames: load, say, try, elect, finish.

    saying: the nodes of the second frame, the guider among them; sampling: further inputs of
    MultiSeedPartialSampler; source: the picture that BISSelect is shown, where the conditioning
    does not say it
    """
    nodes, properties = loading
    pictures = photo(family) if pictures is None else pictures
    run = {
        "sampler": ("defaults", 0),
        "sigmas": ("defaults", 1),
        "stop": ("defaults", 5),
        "relevance_window": ("defaults", 6),
        "latent_image": latent,
    }
    trying = {"defaults": node("EditModelDefaults", model=model, family=family, **defaults or {})}
    electing = stages(NUM_CANDIDATES, vae, **{**run, **sampling})
    if source is not None:
        electing["elected"]["inputs"]["source_image"] = source
        electing["relevance"]["inputs"]["image"] = source
    whole = {**nodes, **pictures, **saying, **trying, **electing, **saved(f"elect_{family}")}
    later = ("guider",) if len(saying) > _MOST_SAID else ()
    said = tuple(name for name in saying if name not in later)
    tried = ("defaults", *later, "candidates")
    frames = ((*nodes, *pictures), said, tried, _ELECT, _FINISH)
    notes = notes_of(family)
    sections = tuple(
        Section(f"{place}. {title}", names, note)
        for place, (title, names, note) in enumerate(
            zip(_FRAMES, frames, notes, strict=True), start=1
        )
    )
    return Recipe(family, whole, sections, properties)
