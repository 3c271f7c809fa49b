"""Bad input through the API: the error names what to change, and nothing is left behind."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected

from .refusals import not_in_list

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

Change = dict[str, dict]
"""Node name -> inputs to set, or a whole node where there is a class_type."""

TOO_MANY = ",".join(map(str, range(65)))


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def candidates(**inputs: object) -> Change:
    return {"candidates": inputs}


def wired(new: dict, target: str, name: str) -> Change:
    """A new node whose first output goes to an input of another."""
    return {"new": new, target: {name: ["new", 0]}}


TEXT_ONLY = {"cond1": ["instruction", 0], "cond2": ["empty", 0]}
CFG_ONE = node(
    "CFGGuider",
    model=["model", 0],
    positive=["conditions", 0],
    negative=["conditions", 1],
    cfg=1.0,
)
UPSCALE = node("SamplerLCMUpscale", scale_ratio=1.0, scale_steps=-1, upscale_method="bislerp")
EMPTY_LATENT = node("EmptyLatentImage", width=128, height=128, batch_size=1)
WIDE_LATENT = node("EmptyLatentImage", width=256, height=128, batch_size=1)
WIDE_IMAGE = node("EmptyImage", width=256, height=128, batch_size=1, color=0)


def solid(value: float) -> dict:
    return node("SolidMask", value=value, width=128, height=128)


CASES: dict[str, tuple[Change, str]] = {
    "text for a guider": (
        candidates(guider="mine"),
        "guider: expected a wire of GUIDER, got 'mine'",
    ),
    "number for a latent": (candidates(latent_image=7), "latent_image: expected a wire of LATENT"),
    "dict for optional estimates": (
        {"elected": {"estimates": {"samples": 1}}},
        "estimates: expected a wire of LATENT, got",
    ),
    "flag for a mask": ({"elected": {"mask": True}}, "mask: expected a wire of MASK, got True"),
    "text for a vae": (
        {"elected": {"vae": "x", "space": "pixel"}},
        "vae: expected a wire of VAE, got 'x'",
    ),
    "stop 0": (candidates(stop=0.0), "'stop'"),
    "stop 1.5": (candidates(stop=1.5), "'stop'"),
    "stop 1.5 by wire": (
        wired(node("PrimitiveFloat", value=1.5), "candidates", "stop"),
        "stop: expected .* got 1.5",
    ),
    "stop_sigma beyond the schedule": (candidates(stop_sigma=9000.0), "stop_sigma: expected"),
    "window reversed": (
        {"relevance": {"window_start": 0.5, "window_end": 0.2}},
        "window_start < window_end",
    ),
    "window empty": (
        {"relevance": {"window_start": 0.2, "window_end": 0.2}},
        "window_start < window_end",
    ),
    "window past the stop": (
        {"relevance": {"window_start": 0.6, "window_end": 0.9}},
        "Lower window_start or raise stop",
    ),
    "seeds with junk": (candidates(seeds="1, x"), "seeds: .* got 'x'"),
    "seeds doubled": (candidates(seeds="1,1"), "seeds: .* once"),
    "seeds too many": (candidates(seeds=TOO_MANY), "seeds: expected at most 64 .* 65"),
    "seeds too large": (candidates(seeds=str(2**64)), "seeds: expected whole numbers"),
    "no candidates": (candidates(num_candidates=0), "'num_candidates'"),
    "too little RAM allowed": (
        {
            **wired(
                node("RepeatImageBatch", image=["picture", 0], amount=1), "conditions", "pixels"
            ),
            "sigmas": {"steps": 1000},
            "candidates": {"num_candidates": 64, "stop": 1.0, "ram_limit_mb": 1},
        },
        "ram_limit_mb: .* over the limit",
    ),
    "pick beyond the widget": ({"elected": {"pick": 99}}, "'pick'"),
    "pick beyond the candidates": ({"elected": {"pick": 4}}, "pick: expected .* 1 to 3, got 4"),
    "step beyond the stop": ({"estimates": {"step": 4}}, "step: the candidates ran 2 steps"),
    "mask empty": (wired(solid(0.0), "elected", "mask"), "mask: it is empty"),
    "mask full": (wired(solid(1.0), "elected", "mask"), "mask: it covers the whole picture"),
    "mask of another shape": (
        wired(node("SolidMask", value=0.5, width=256, height=128), "elected", "mask"),
        "mask: expected the picture's shape 128x128",
    ),
    "source of another size": (wired(WIDE_LATENT, "elected", "source"), "source: expected"),
    "source image of another size": (
        wired(WIDE_IMAGE, "elected", "source_image"),
        "source_image: expected",
    ),
    "FLUX.2's schedule without a latent": (
        wired(
            node(
                "EditModelDefaults",
                model=["model", 0],
                family="flux2",
                steps=0,
                sampler_name="default",
                scheduler="default",
            ),
            "candidates",
            "sampler",
        ),
        "latent_image: FLUX.2's schedule depends on the size",
    ),
    "InstructDiffusion's guider without a picture": (
        wired(
            node(
                "InstructDiffusionGuider",
                model=["model", 0],
                positive=["instruction", 0],
                negative=["empty", 0],
                cfg=5.0,
                image_cfg=1.25,
            ),
            "candidates",
            "guider",
        ),
        "positive: it carries no source picture",
    ),
    "edit size of no model": (
        wired(
            node("EditSize", image=["picture", 0], family="auto", megapixels=0.0),
            "conditions",
            "pixels",
        ),
        "model: family 'auto' tells the size from the MODEL",
    ),
    "edit size of a very long picture": (
        {
            "long": node("EmptyImage", width=512, height=64, batch_size=1, color=0),
            **wired(
                node(
                    "EditSize", image=["long", 0], family="auto", megapixels=0.0, model=["model", 0]
                ),
                "conditions",
                "pixels",
            ),
        },
        "image: expected a picture that can be cut to 128x128 pixels",
    ),
    "image of another size": (wired(WIDE_IMAGE, "relevance", "image"), "image: expected"),
    "dpm_adaptive": ({"sampler": {"sampler_name": "dpm_adaptive"}}, "sampler: dpm_adaptive"),
    "dpm_fast": ({"sampler": {"sampler_name": "dpm_fast"}}, "sampler: dpm_fast"),
    "SamplerLCMUpscale": ({"sampler": UPSCALE}, "sampler: SamplerLCMUpscale"),
    "cfg 1 and no null": ({"guider": CFG_ONE}, "CONDITIONING to null"),
    "no picture in the conditioning": (
        {"guider": TEXT_ONLY, **wired(EMPTY_LATENT, "candidates", "latent_image")},
        "guider: .*InstructPixToPixConditioning",
    ),
    "two latents": (
        wired(
            node("RepeatLatentBatch", samples=["conditions", 2], amount=2),
            "candidates",
            "latent_image",
        ),
        "latent_image: expected one picture, got a batch of 2",
    ),
    "empty noise mask": (
        {
            "blank": solid(0.0),
            **wired(
                node("SetLatentNoiseMask", samples=["conditions", 2], mask=["blank", 0]),
                "candidates",
                "latent_image",
            ),
        },
        "latent_image: its noise mask is empty",
    ),
    "pixel space and no VAE": ({"elected": {"space": "pixel", "vae": None}}, "vae: "),
    "no mask at all": ({"elected": {"relevance": None}}, "relevance: nothing says where"),
    "outside the output folder": (
        {"elected": {"csv_prefix": "../../outside"}},
        "csv_prefix: expected a path below the output folder",
    ),
}


def changed(prompt: dict, change: Change) -> dict:
    """The prompt with inputs set (None takes one away) and nodes added or replaced."""
    for name, given in change.items():
        if "class_type" in given:
            prompt[name] = given
        else:
            inputs = prompt[name]["inputs"] | given
            prompt[name]["inputs"] = {k: v for k, v in inputs.items() if v is not None}
    return prompt


EARLY = ("mask empty", "mask full", "pixel space and no VAE", "no mask at all")
"""Refused before a candidate is run, since none is needed to know."""


@pytest.mark.parametrize("case", EARLY)
def test_what_can_be_known_before_sampling_is_refused_before(
    case: str, server: "ComfyServer", demo: dict
):
    change, message = CASES[case]
    del demo["overlay"]
    demo["candidates"]["inputs"]["first_seed"] = 900 + EARLY.index(case)
    mark = server.events.mark()
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(changed(demo, change))
    begun = [e.node for e in server.events.since(mark) if e.type == "executing"]
    assert "candidates" not in begun


def files(server: "ComfyServer") -> set[str]:
    folders = (server.base / "output", server.base / "temp")
    paths = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    return {str(path) for path in paths if not path.name.startswith("elect_example_")}


@pytest.mark.parametrize("case", CASES)
def test_the_error_names_the_input_and_nothing_is_left(
    case: str, server: "ComfyServer", demo: dict
):
    change, message = CASES[case]
    del demo["overlay"]  # it may rightly be saved before a later node refuses its input
    before = files(server)
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(changed(demo, change))
    assert files(server) == before


WIDGETS_ALONE = (
    "window reversed",
    "seeds with junk",
    "seeds too many",
    "pixel space and no VAE",
    "outside the output folder",
)


@pytest.mark.parametrize("case", WIDGETS_ALONE)
def test_what_the_widgets_say_is_refused_before_anything_runs(
    case: str, server: "ComfyServer", demo: dict
):
    change, message = CASES[case]
    del demo["overlay"]  # it is whole without what is refused, so ComfyUI makes it
    with pytest.raises(PromptRejected, match=message):
        server.run(changed(demo, change))


ALL_IN_ONE: dict[str, tuple[Change, str]] = {
    "stop by wire": (
        wired(node("PrimitiveFloat", value=0.0), "elected", "stop"),
        "stop: expected .* got 0",
    ),
    "window past the stop": (
        {"elected": {"window_start": 0.6, "window_end": 0.9}},
        "Lower window_start or raise stop",
    ),
    "seeds with junk": ({"elected": {"seeds": "-1"}}, "seeds: .* got '-1'"),
    "mask empty": (wired(solid(0.0), "elected", "mask"), "mask: it is empty"),
    "cfg 1 and no null": ({"guider": CFG_ONE}, "CONDITIONING to null"),
}


@pytest.mark.parametrize("case", ALL_IN_ONE)
def test_the_all_in_one_node_refuses_alike(
    case: str, server: "ComfyServer", demo: dict, object_info: dict
):
    change, message = ALL_IN_ONE[case]
    for name in ("candidates", "estimates", "relevance", "overlay", "resumed"):
        del demo[name]
    wires = {
        "guider": ["guider", 0],
        "sampler": ["sampler", 0],
        "sigmas": ["sigmas", 0],
        "latent_image": ["conditions", 2],
    }
    required = object_info["ELECTSampler"]["input"]["required"]
    values = {
        name: spec[1]["default"]
        for name, spec in required.items()
        if len(spec) > 1 and "default" in spec[1]
    }
    demo["elected"] = node("ELECTSampler", **{**values, **wires, "num_candidates": 3})
    demo["decoded"]["inputs"]["samples"] = ["elected", 0]
    before = files(server)
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(changed(demo, change))
    assert files(server) == before


def test_a_null_conditioning_cures_cfg_1(server: "ComfyServer", demo: dict):
    changed(demo, {"guider": CFG_ONE, "candidates": {"null": ["empty", 0]}})
    server.run(demo)


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
