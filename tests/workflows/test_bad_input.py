"""Bad input through the API: the error names what to change, and nothing is left behind."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer
from .changes import EMPTY_LATENT, WIDE_LATENT, Change, changed, files, node, solid, wired
from .test_bad_elect_sampler_input import CFG_ONE

pytestmark = pytest.mark.server
TOO_MANY = ",".join(map(str, range(65)))


def candidates(**inputs: object) -> Change:
    return {"candidates": inputs}


TEXT_ONLY = {"cond1": ["instruction", 0], "cond2": ["empty", 0]}
UPSCALE = node("SamplerLCMUpscale", scale_ratio=1.0, scale_steps=-1, upscale_method="bislerp")
WIDE_IMAGE = node("EmptyImage", width=256, height=128, batch_size=1, color=0)
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
EARLY = (
    "mask empty",
    "mask full",
    "pixel space and no VAE",
    "no mask at all",
    "pick beyond the candidates",
)
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
