"""Bad input to TiNO-Edit through the API: the error names what to change, nothing stays."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected

from .refusals import not_in_list

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer
from .changes import EMPTY_LATENT, WIDE_LATENT, Change, changed, files, node, solid, wired

pytestmark = pytest.mark.server


def optimise(**inputs: object) -> Change:
    return {"tino": inputs}


OBJECT = {"mode": "object", "source_prompt": "a star", "target_prompt": "a circle"}
TINO: dict[str, tuple[Change, str]] = {
    "no steps": (optimise(num_steps=0), "'num_steps'"),
    "strength 0": (optimise(strength=0.0), "'strength'"),
    "iterations by wire": (
        wired(node("PrimitiveInt", value=-3), "tino", "iterations"),
        "iterations: expected 0 or more, got -3",
    ),
    "cfg without negative": (optimise(cfg=3.0), "negative: cfg other than 1"),
    "no LatentCLIP": (optimise(latent_clip=None), "latent_clip: .*PixelCLIP"),
    "no CLIP": (optimise(clip=None), "clip: connect the CLIP"),
    "nothing to optimise": (
        optimise(latent_clip=None, latent_vgg=None, source_prompt="", target_prompt=""),
        "there is nothing to optimise",
    ),
    "equal prompts": (
        optimise(latent_vgg=None, source_prompt="a star", target_prompt="a star"),
        "target_prompt: it says the same",
    ),
    "one prompt": (optimise(source_prompt=""), "source_prompt: it is empty"),
    "empty source": (wired(EMPTY_LATENT, "tino", "source"), "source: the latent is empty"),
    "source of another model": (
        wired(node("EmptySD3LatentImage", width=128, height=128, batch_size=1), "tino", "source"),
        "source: it has 16 channels",
    ),
    "start of another size": (wired(WIDE_LATENT, "tino", "start"), "start: expected the size"),
    "mask empty": (wired(solid(0.0), "mask", "mask"), "mask: it is empty"),
    "mask of another size": (
        wired(node("SolidMask", value=1.0, width=64, height=64), "mask", "mask"),
        "mask: expected the image's size 128x128, got 64x64",
    ),
    "mask not connected": ({"mask": {"mask": None}}, "mask: mode 'user' needs one"),
    "no second image": ({"mask": {"mode": "difference"}}, "image2: mode 'difference'"),
    "second image alike": (
        {"mask": {"mode": "difference", "image2": ["picture", 0]}},
        "second image",
    ),
    "no word differs": ({"mask": {**OBJECT, "target_prompt": "a star"}}, "source_prompt: every"),
    "no CLIPSeg": ({"mask": OBJECT}, "clipseg: .* models/clipseg"),
    "no such LatentCLIP": (
        {"latent_clip": {"name": "none.safetensors"}},
        not_in_list("name", "name: none.safetensors is not in models/latent_clip"),
    ),
    "other latent space": (
        {"latent_clip": {"latent_space": "SDXL"}},
        "trained on latents of EmbeddedLatent",
    ),
}


@pytest.mark.parametrize("case", TINO)
def test_tino_names_the_input_and_nothing_is_left(case: str, server: "ComfyServer", tino: dict):
    change, message = TINO[case]
    before = files(server)
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(changed(tino, change))
    assert files(server) == before
