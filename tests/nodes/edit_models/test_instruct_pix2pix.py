"""InstructPix2Pix and MagicBrush in ComfyUI give what diffusers' pipeline gives, step by step."""

from dataclasses import dataclass
from functools import wraps
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from ..conftest import of_host
from .conftest import PROMPT, Saved, picture

pytestmark = pytest.mark.comfy

TEXT_SCALE, IMAGE_SCALE, SCALE = 7.5, 1.5, 0.18215
SEEDS = (3, 4)


@pytest.fixture(params=["instruct_pix2pix", "magicbrush"])
def saved(request: pytest.FixtureRequest) -> Saved:
    return request.getfixturevalue(request.param)


@dataclass(frozen=True)
class PipelineRun:
    """The pipeline's finished latent, and by step its estimates and its three predictions."""

    latent: Tensor
    estimates: list[Tensor]
    predictions: list[Tensor]


def run_pipeline(pipe, num_steps: int, seed: int, monkeypatch) -> PipelineRun:
    """The pipeline from the very noise that ComfyUI's KSampler would draw for the seed."""
    estimates, predictions = [], []
    step, unet = pipe.scheduler.step, pipe.unet.forward

    @wraps(step)  # the pipeline looks at its signature
    def recording_step(*args, **kwargs):
        result = step(*args, **kwargs)
        estimates.append(result[1])
        return result

    def recording_unet(*args, **kwargs):
        result = unet(*args, **kwargs)
        predictions.append(result[0])
        return result

    monkeypatch.setattr(pipe.scheduler, "step", recording_step)
    monkeypatch.setattr(pipe.unet, "forward", recording_unet)
    pipe.scheduler.set_timesteps(num_steps)
    sigma = pipe.scheduler.sigmas[0]
    from elect_tino.nodes.host.versions import ancestral_seed_offset

    noise = torch.randn(1, 4, 8, 6, generator=torch.Generator().manual_seed(seed))
    latent = pipe(
        prompt=PROMPT,
        image=picture().movedim(-1, 1),
        num_inference_steps=num_steps,
        guidance_scale=TEXT_SCALE,
        image_guidance_scale=IMAGE_SCALE,
        # diffusers starts at sigma * noise, ComfyUI at sqrt(1 + sigma^2) * noise: the same start.
        latents=noise * (1 + sigma**2) ** 0.5 / sigma,
        # On the CPU ComfyUI's ancestral noise begins with the initial noise again, newer with that
        # of the next seed.
        generator=torch.Generator().manual_seed(seed + ancestral_seed_offset()),
        output_type="latent",
    ).images
    monkeypatch.undo()
    return PipelineRun(latent, estimates, predictions)


@pytest.fixture
def wired(saved: Saved, loaded, encode):
    """What a user wires: loader, prompts, conditioning, guider; SIGMAS of the normal scheduler."""
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG
    from comfy_extras.nodes_ip2p import InstructPixToPixConditioning

    model, clip, vae = loaded(saved.name)
    text, empty = encode(clip, PROMPT), encode(clip, "")
    with torch.inference_mode():
        shown = of_host(InstructPixToPixConditioning, text, empty, picture(), vae)
    positive, null, latent = shown
    guider = Guider_DualCFG(model)
    guider.set_conds(positive, null, empty)
    guider.set_cfg(TEXT_SCALE, IMAGE_SCALE)
    sampling = model.get_model_object("model_sampling")
    return SimpleNamespace(
        guider=guider,
        latent=latent,
        source=positive[0][1]["concat_latent_image"],
        sigmas=lambda steps: comfy.samplers.calculate_sigmas(sampling, "normal", steps),
    )


@pytest.mark.parametrize("num_steps", [10, 28])
def test_every_step_and_the_result_are_the_pipelines(
    num_steps, saved, wired, elect, stock, monkeypatch
):
    expected = run_pipeline(saved.modules, num_steps, SEEDS[0], monkeypatch)
    sigmas = wired.sigmas(num_steps)
    # At 10 and 28 steps all timesteps are whole, and both libraries agree on the levels but for
    # the rounding of diffusers' float32 table.
    assert_close(saved.modules.scheduler.sigmas, sigmas, rtol=1e-4, atol=0)
    options = {"seeds": str(SEEDS[0]), "stop": 1.0}
    found = elect.partial(wired.guider, "euler_ancestral", sigmas, wired.latent, **options)
    ours = [found.tape.estimate(step) for step in range(num_steps)]
    assert len(expected.estimates) == num_steps
    for mine, theirs in zip(ours, expected.estimates, strict=True):
        assert_close(mine, theirs, rtol=1e-5, atol=1e-4)
    output = elect.resume(found)[0]["samples"] * SCALE
    assert_close(output, expected.latent, rtol=1e-5, atol=1e-4)


def test_text_and_picture_matter(saved, wired, elect):
    """Else the agreement above would say nothing of the guidance."""
    sigmas = wired.sigmas(10)
    conds = wired.guider.original_conds
    outputs = []
    for text, middle in [("positive", "middle"), ("middle", "middle"), ("positive", "negative")]:
        guider = type(wired.guider)(wired.guider.model_patcher)
        guider.original_conds = {**conds, "positive": conds[text], "middle": conds[middle]}
        guider.set_cfg(TEXT_SCALE, IMAGE_SCALE)
        found = elect.partial(guider, "euler", sigmas, wired.latent, num_candidates=1, stop=0.1)
        outputs.append(found.estimates())
    assert (outputs[0] - outputs[1]).abs().max() > 0.01
    assert (outputs[0] - outputs[2]).abs().max() > 0.01


def test_stop_and_resume_is_bit_equal_to_the_uninterrupted_run(wired, elect, stock):
    sigmas = wired.sigmas(10)
    given = (wired.guider, "euler_ancestral", sigmas, wired.latent)
    found = elect.partial(*given, candidates_per_batch=1)
    for row, seed in enumerate(found.seeds):
        expected, _ = stock(*given, seed)
        assert torch.equal(elect.resume(found.rows([row]))[0]["samples"], expected)


def test_batched_candidates_are_what_their_seeds_give_alone(wired, elect, stock):
    given = (wired.guider, "euler_ancestral", wired.sigmas(10), wired.latent)
    found = elect.partial(*given, candidates_per_batch=3, stop=1.0)
    alone = torch.cat([stock(*given, seed)[0] for seed in found.seeds])
    output = elect.resume(found)[0]["samples"]
    assert_close(output * SCALE, alone * SCALE, rtol=1e-4, atol=1e-4)


def naive_relevance(runs: list[PipelineRun], sigmas: Tensor, steps: int) -> Tensor:
    """The paper's map, loop by loop, of the pipeline's own predictions: (h, w)."""
    total = torch.zeros(runs[0].latent.shape[-2:])
    for step in range(steps):
        for run in runs:
            text, image, _ = run.predictions[step]
            raw = sigmas[step] * sum((text[c] - image[c]).abs() for c in range(4))
            total += (raw - raw.min()) / (raw.max() - raw.min())
    return (total / (steps * len(runs))) ** 2


def test_relevance_and_bis_are_the_naive_ones(saved, wired, elect, monkeypatch):
    from elect_tino.nodes.elect.score import score
    from elect_tino.nodes.elect.selection import Selection

    sigmas = wired.sigmas(10)
    runs = [run_pipeline(saved.modules, 10, seed, monkeypatch) for seed in SEEDS]
    seeds = ", ".join(map(str, SEEDS))
    given = (wired.guider, "euler_ancestral", sigmas, wired.latent)
    found = elect.partial(*given, seeds=seeds, num_candidates=2)
    mask = elect.relevance(found, end=0.2)[0]
    expected = naive_relevance(runs, sigmas, 2)[None, None]
    enlarged = F.interpolate(expected, size=(64, 48), mode="bilinear")
    assert_close(mask, enlarged[:, 0], rtol=0, atol=1e-4)

    pipe = saved.modules
    source = pipe.vae.encode(2 * picture().movedim(-1, 1) - 1).latent_dist.mode() * SCALE
    weight = 1 - F.avg_pool2d(enlarged, 8)[0, 0]
    bis = []
    for run in runs:
        change = (run.estimates[3] - source)[0].abs().mean(0)
        bis.append(float((change * weight).sum() / weight.sum()))
    with torch.inference_mode():
        scored = score(found, found.estimates(), mask, wired.source, Selection(minimum_edit=0))
    assert_close(scored.scores, torch.tensor(bis), rtol=1e-4, atol=1e-5)
