"""What recipes are made of: nodes and wires by name, frames, and the parts many share."""

from dataclasses import dataclass, field

from ....embedded.world.examples import index
from .notes import NOTES

Wire = tuple[str, int]
"""An output: the name of a node in the recipe, and the slot."""

CHECKPOINT = {
    "name": "instruct-pix2pix-00-22000.safetensors",
    "url": "https://huggingface.co/timbrooks/instruct-pix2pix/resolve/main/"
    "instruct-pix2pix-00-22000.safetensors",
    "directory": "checkpoints",
}
EMBEDDED_CFG = (2.0, 1.5)
PIX2PIX_CFG = (7.5, 1.5)


@dataclass(frozen=True)
class Section:
    """A titled frame of nodes, from top to bottom, with a note above them."""

    title: str
    nodes: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Recipe:
    """One workflow file; nodes by name, in the order of their ids.

    properties: what ComfyUI's templates store with a node, such as the `models` of a loader
    host: the ComfyUI it is written on, where the pinned one lacks its nodes; else empty
    sizes: width and height of nodes that shall not have the room their kind usually gets
    """

    name: str
    nodes: dict[str, dict]
    sections: tuple[Section, ...]
    properties: dict[str, dict] = field(default_factory=dict)
    host: str = ""
    sizes: dict[str, tuple[float, float]] = field(default_factory=dict)


def node(class_type: str, title: str = "", /, **inputs: object) -> dict:
    """A node of an API prompt whose wires still go by name."""
    meta = {"_meta": {"title": title}} if title else {}
    return {"class_type": class_type, "inputs": inputs, **meta}


_, _, EXAMPLE, _, WITH_CIRCLE, _ = index()  # of the shipped examples, by their roles


def embedded_source() -> dict[str, dict]:
    return {
        "model": node("EmbeddedModelLoader", variant="flow_mild"),
        "picture": node("EmbeddedExample", example=EXAMPLE),
    }


def checkpoint_source() -> dict[str, dict]:
    scaled = {"upscale_method": "lanczos", "megapixels": 0.25}
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name=CHECKPOINT["name"]),
        "photo": node("LoadImage", "Source picture", image="example.png"),
        "picture": node("ImageScaleToTotalPixels", image=("photo", 0), **scaled),
    }


def guidance(instruction: str | Wire, cfg: tuple[float, float]) -> dict[str, dict]:
    """Instruction and picture as the three conditions of InstructPix2Pix, with both scales."""
    return {
        "instruction": node("CLIPTextEncode", "Instruction", clip=("model", 1), text=instruction),
        "empty": node("CLIPTextEncode", "Empty text", clip=("model", 1), text=""),
        "conditions": node(
            "InstructPixToPixConditioning",
            positive=("instruction", 0),
            negative=("empty", 0),
            vae=("model", 2),
            pixels=("picture", 0),
        ),
        "guider": node(
            "DualCFGGuider",
            model=("model", 0),
            cond1=("conditions", 0),
            cond2=("conditions", 1),
            negative=("empty", 0),
            cfg_conds=cfg[0],
            cfg_cond2_negative=cfg[1],
            style="regular",
        ),
    }


def schedule(sampler: str, steps: int, scheduler: str = "normal") -> dict[str, dict]:
    whole = {"scheduler": scheduler, "steps": steps, "denoise": 1.0}
    return {
        "sampler": node("KSamplerSelect", sampler_name=sampler),
        "sigmas": node("BasicScheduler", model=("model", 0), **whole),
    }


VAE: Wire = ("model", 2)
RUN: dict[str, object] = {
    "guider": ("guider", 0),
    "sampler": ("sampler", 0),
    "sigmas": ("sigmas", 0),
    "latent_image": ("conditions", 2),
}


def stages(num_candidates: int, vae: Wire = VAE, **given: object) -> dict[str, dict]:
    """The method node by node, with the relevance map as the mask.

    given: inputs of the sampler, over those of `RUN`
    """
    mask = ("relevance", 0)
    run = {"num_candidates": num_candidates, **RUN, **given}
    return {
        "candidates": node("MultiSeedPartialSampler", **run),
        "estimates": node("TweedieEstimate", candidates=("candidates", 0)),
        "relevance": node(
            "RelevanceMapAggregate", candidates=("candidates", 0), image=("picture", 0)
        ),
        "elected": elected(relevance=mask, vae=vae),
        **finish(vae),
    }


def elected(**wires: Wire) -> dict:
    given = {"candidates": ("candidates", 0), "estimates": ("estimates", 0), **wires}
    return node("BISSelect", **given)


def finish(vae: Wire = VAE) -> dict[str, dict]:
    return {
        "resumed": node("ResumeDenoise", candidates=("elected", 0)),
        "decoded": node("VAEDecode", samples=("resumed", 0), vae=vae),
    }


def saved(prefix: str, overlay: bool = True) -> dict[str, dict]:
    """The edit saved, the relevance map only shown: lists of results show what is saved first."""
    edited = node("SaveImage", "Edited", images=("decoded", 0))
    edited["inputs"]["filename_prefix"] = f"{prefix}/edited"
    map_of_it = node("PreviewImage", "Relevance map", images=("relevance", 1))
    return {"edited": edited, **({"overlay": map_of_it} if overlay else {})}


def sections(name: str, *frames: tuple[str, tuple[str, ...]]) -> tuple[Section, ...]:
    """Frames numbered from 1, with the notes of the workflow `name`."""
    notes = NOTES[name]
    return tuple(
        Section(f"{place}. {title}", nodes, notes[place - 1])
        for place, (title, nodes) in enumerate(frames, start=1)
    )


GUIDE = ("Say what to change", ("instruction", "empty", "conditions", "guider"))
TRY = ("Try many seeds", ("sampler", "sigmas", "candidates"))
ELECT = ("Elect the steadiest background", ("estimates", "relevance", "elected"))
FINISH = ("Finish that one", ("resumed", "decoded", "edited", "overlay"))
PICTURE = ("Model and picture", ("model", "picture"))
PHOTO = ("Model and picture", ("model", "photo", "picture"))
DOWNLOAD = {"model": {"models": [CHECKPOINT]}}
