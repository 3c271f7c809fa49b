"""The subgraph blueprints as data: jobs that are dropped into a graph as one node.

They are the recipes' own nodes without what loads the model and the picture: a wire to a node
that is not there is an input of the blueprint.
"""

from __future__ import annotations

from dataclasses import dataclass

from .edit_model_frames import dual, encoded, plain_guider, shown, texts
from .parts import Wire, node
from .tino import optimize

Widget = tuple[str, str]
"""A node of the blueprint, and the input of it that is asked for outside."""


@dataclass(frozen=True)
class Blueprint:
    """title: its file's name, which the node library shows; about: what it does and for what

    nodes: by name, as in a recipe; wires: name outside -> the output that is not in `nodes`
    asked: name outside -> widgets; gives: name outside -> output; seen: what else is shown outside
    search: what people type who want it
    """

    title: str
    about: str
    nodes: dict[str, dict]
    wires: dict[str, Wire]
    asked: dict[str, tuple[Widget, ...]]
    gives: dict[str, Wire]
    search: tuple[str, ...] = ("edit", "image edit")
    seen: tuple[Widget, ...] = ()


_MODELS = {"model": ("model", 0), "clip": ("clip", 0), "vae": ("vae", 0)}
_ELECTING: dict[str, tuple[Widget, ...]] = {
    "instruction": (("instruction", "text"),),
    "num_candidates": (("elected", "num_candidates"),),
    "first_seed": (("elected", "first_seed"),),
    "family": (("picture", "family"), ("defaults", "family")),
    "steps": (("defaults", "steps"),),
}


def _elected(latent: Wire, **given: object) -> dict[str, dict]:
    """Candidates, election, finish and decoding, with the model's own settings."""
    run: dict[str, object] = {
        "guider": ("guider", 0),
        "sampler": ("defaults", 0),
        "sigmas": ("defaults", 1),
        "stop": ("defaults", 5),
        "window_end": ("defaults", 6),
        "latent_image": latent,
        "vae": ("vae", 0),
        "num_candidates": 8,
    }
    return {
        "elected": node("ELECTSampler", **{**run, **given}),
        "decoded": node("VAEDecode", samples=("elected", 0), vae=("vae", 0)),
    }


def _sized(**defaults: Wire) -> dict[str, dict]:
    return {
        "picture": node("EditSize", image=("photo", 0), model=("model", 0)),
        "defaults": node("EditModelDefaults", model=("model", 0), **defaults),
    }


def _electing(title: str, about: str, nodes: dict[str, dict]) -> Blueprint:
    gives: dict[str, Wire] = {
        "image": ("decoded", 0),
        "source": ("picture", 0),
        "relevance": ("elected", 2),
        "seed": ("elected", 3),
        "candidates": ("elected", 4),
    }
    wires: dict[str, Wire] = {**_MODELS, "image": ("photo", 0)}
    gallery = (("elected", "elect_gallery"),)
    search = ("best of n", "candidates", "elect", "image edit", "instruction")
    return Blueprint(title, about, nodes, wires, _ELECTING, gives, search, gallery)


def shown_picture() -> Blueprint:
    both, picture = ("conditions", 0), ("conditions", 1)
    nodes = {
        **_sized(),
        **texts(("clip", 0)),
        "conditions": shown(("vae", 0)),
        "guider": dual(("model", 0), both, picture, ("empty", 0)),
        **_elected(("conditions", 2)),
    }
    about = (
        "Tries many seeds, takes the one that keeps the background, finishes it. For models that "
        "are shown the picture beside the noise: InstructPix2Pix, MagicBrush, CosXL-Edit, HiDream."
    )
    return _electing("Edit with election (InstructPix2Pix family)", about, nodes)


def referred_picture() -> Blueprint:
    def referred(text: str) -> dict:
        return node("ReferenceLatent", conditioning=(text, 0), latent=("encoded", 0))

    guided = node("FluxGuidance", conditioning=("instruction", 0), guidance=("defaults", 4))
    nodes = {
        **_sized(latent_image=("encoded", 0)),
        **texts(("clip", 0)),
        "encoded": encoded(),
        "guided": guided,
        "both": referred("guided"),
        "shown": referred("empty"),
        "guider": plain_guider(("both", 0), ("shown", 0)),
        **_elected(("encoded", 0), null=("empty", 0)),
    }
    about = (
        "Tries many seeds, takes the one that keeps the background, finishes it. For models that "
        "take the picture as a reference latent: FLUX.1 Kontext, FLUX.2, klein, OmniGen2."
    )
    return _electing("Edit with election (reference-latent models)", about, nodes)


def optimised() -> Blueprint:
    nodes = {
        "source": node("VAEEncode", pixels=("photo", 0), vae=("vae", 0)),
        "positive": node("CLIPTextEncode", clip=("clip", 0), text=""),
        "tino": optimize(None, clip=("clip", 0)),
        "decoded": node("VAEDecode", samples=("tino", 0), vae=("vae", 0)),
    }
    wires: dict[str, Wire] = {
        **_MODELS,
        "image": ("photo", 0),
        "mask": ("mask", 0),
        "latent_clip": ("latent_clip", 0),
        "latent_vgg": ("latent_vgg", 0),
    }
    asked = {
        "target_prompt": (("positive", "text"), ("tino", "target_prompt")),
        "source_prompt": (("tino", "source_prompt"),),
        "strength": (("tino", "strength"),),
        "iterations": (("tino", "iterations"),),
        "seed": (("tino", "seed"),),
    }
    gives: dict[str, Wire] = {
        "image": ("decoded", 0),
        "loss curve": ("tino", 3),
        "report": ("tino", 2),
    }
    about = (
        "Optimises noise and timesteps until the picture shows the target prompt. For SD 1.5, "
        "SD 2.1 and SDXL; latent_clip comes from Load LatentCLIP or Pixel CLIP."
    )
    return Blueprint("TiNO edit", about, nodes, wires, asked, gives)


BLUEPRINTS = (shown_picture, referred_picture, optimised)
