"""UltraEdit in ComfyUI gives what diffusers' transformer and scheduler give, step by step."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from torch.testing import assert_close

from .conftest import PROMPT, Saved, models, picture
from .sd3_keys import sd3_keys

pytestmark = pytest.mark.comfy
TEXT_SCALE, IMAGE_SCALE, SCALE = 7.0, 1.5, 1.5305
SEEDS = (3, 4)
HEIGHT, WIDTH = 64, 48


def half_mask() -> Tensor:
    """A MASK (1, H, W): the left half may be edited, the top row hardly."""
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[:, :, : WIDTH // 2] = 1
    mask[:, 0] = 0.25
    return mask


def single_file(saved: Saved, prefix: str) -> str:
    """The transformer in SD3's own keys as one file of models/diffusion_models; its name."""
    transformer = saved.modules.transformer
    name = f"{saved.folder.name}{'-checkpoint' if prefix else ''}.safetensors"
    state = {prefix + key: tensor for key, tensor in sd3_keys(transformer.state_dict()).items()}
    save_file(state, models("diffusion_models") / name)
    return name


@dataclass(frozen=True)
class Wired:
    """What a user wires, and the same as plain tensors for the reference."""

    guider: Any
    latent: dict
    sigmas: Any
    text: list
    empty: list
    source: Tensor
    mask: Tensor | None


@pytest.fixture
def wire(loaded, encode):
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG

    from elect_tino.nodes.edit_models.ultraedit import UltraEditConditioning

    def build(saved: Saved, mask: Tensor | None) -> Wired:
        model, clip, vae = loaded(saved.name)
        text, empty = encode(clip, PROMPT), encode(clip, "")
        with torch.inference_mode():
            shown = UltraEditConditioning.execute(text, empty, vae, picture(), mask)
        positive, null, negative, latent = shown.args
        guider = Guider_DualCFG(model)
        guider.set_conds(positive, null, negative)
        guider.set_cfg(TEXT_SCALE, IMAGE_SCALE)
        sampling = model.get_model_object("model_sampling")

        def sigmas(steps: int) -> Tensor:
            return comfy.samplers.calculate_sigmas(sampling, "normal", steps)

        source = encode_with(saved, picture())
        shown_mask = torch.ones(1, HEIGHT, WIDTH) if mask is None else mask
        channels = saved.modules.transformer.config.in_channels
        latent_mask = encode_with(saved, shown_mask[..., None].repeat(1, 1, 1, 3))
        return Wired(
            guider, latent, sigmas, text, empty, source, latent_mask if channels == 48 else None
        )

    return build


@torch.no_grad()
def encode_with(saved: Saved, image: Tensor) -> Tensor:
    """The picture's latent by diffusers' VAE: its mode, neither scaled nor shifted."""
    return saved.modules.vae.encode(2 * image.movedim(-1, 1) - 1).latent_dist.mode()


@dataclass(frozen=True)
class Reference:
    latent: Tensor
    estimates: list[Tensor]
    predictions: list[Tensor]
    sigmas: Tensor


@torch.no_grad()
def reference(saved: Saved, wired: Wired, num_steps: int, seed: int) -> Reference:
    """UltraEdit's loop on diffusers' transformer and scheduler."""
    diffusers: Any = pytest.importorskip("diffusers")
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(num_steps)
    shown = [wired.source] if wired.mask is None else [wired.source, wired.mask]
    picture_latents = torch.cat(shown, 1)
    beside = torch.cat([picture_latents, picture_latents, torch.zeros_like(picture_latents)])
    conds = (wired.text, wired.empty, wired.empty)
    embeds = torch.cat([cond[0][0] for cond in conds])
    pooled = torch.cat([cond[0][1]["pooled_output"] for cond in conds])
    x = torch.randn(1, 16, 8, 6, generator=torch.Generator().manual_seed(seed))
    estimates, predictions = [], []
    for step, t in enumerate(scheduler.timesteps):
        v = saved.modules.transformer(
            hidden_states=torch.cat([x.repeat(3, 1, 1, 1), beside], 1),
            timestep=t.expand(3),
            encoder_hidden_states=embeds,
            pooled_projections=pooled,
        ).sample
        text, image, none = v.chunk(3)
        guided = none + TEXT_SCALE * (text - image) + IMAGE_SCALE * (image - none)
        predictions.append(v)
        estimates.append(x - scheduler.sigmas[step] * guided)
        x = scheduler.step(guided, t, x).prev_sample
    return Reference(x, estimates, predictions, scheduler.sigmas)


@pytest.fixture(params=["free_form", "masked"])
def saved(request: pytest.FixtureRequest) -> Saved:
    return request.getfixturevalue(request.param)


def masks_for(saved: Saved) -> Tensor | None:
    return half_mask() if saved.modules.transformer.config.in_channels == 48 else None


@pytest.mark.parametrize("num_steps", [10, 28])
def test_every_step_and_the_result_are_diffusers(num_steps, saved, wire, elect):
    wired = wire(saved, masks_for(saved))
    expected = reference(saved, wired, num_steps, SEEDS[0])
    sigmas = wired.sigmas(num_steps)
    # Both libraries shift the lowest level twice: the normal scheduler's levels are theirs, for any
    # number of steps.
    assert_close(sigmas, expected.sigmas, rtol=1e-5, atol=1e-6)
    options = {"seeds": str(SEEDS[0]), "stop": 1.0}
    found = elect.partial(wired.guider, "euler", sigmas, wired.latent, **options)
    for step, theirs in enumerate(expected.estimates):
        assert_close(found.tape.estimate(step), theirs, rtol=1e-5, atol=1e-4)
    output = elect.resume(found)[0]["samples"] * SCALE
    assert_close(output, expected.latent, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_the_single_file_is_the_same_model(prefix, saved, load, loaded):
    model, clip, vae = load(single_file(saved, prefix))
    folder = loaded(saved.name)[0]
    ours, theirs = (m.model.diffusion_model.state_dict() for m in (model, folder))
    assert ours.keys() == theirs.keys()
    for key, tensor in theirs.items():
        assert torch.equal(ours[key], tensor), key
    assert "CLIP" in clip.message
    assert "VAE" in vae.message


def test_the_diffusers_transformer_alone_is_the_same_model(free_form, load, loaded):
    name = "ultraedit-transformer.safetensors"
    save_file(free_form.modules.transformer.state_dict(), models("diffusion_models") / name)
    ours = load(name)[0].model.diffusion_model
    theirs = loaded(free_form.name)[0].model.diffusion_model
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], tensor), key


def test_text_picture_and_mask_matter(masked, wire, elect):
    """Else the agreement above would say nothing of the conditions."""
    wired = wire(masked, half_mask())
    free = wire(masked, None)
    conds = wired.guider.original_conds

    def run(**changed) -> Tensor:
        guider = type(wired.guider)(wired.guider.model_patcher)
        guider.original_conds = {**conds, **changed}
        guider.set_cfg(TEXT_SCALE, IMAGE_SCALE)
        given = (guider, "euler", wired.sigmas(10), wired.latent)
        return elect.partial(*given, num_candidates=1, stop=0.1).estimates()

    expected = run()
    for changed in (
        {"positive": conds["middle"]},
        {"middle": conds["negative"]},
        {k: free.guider.original_conds[k] for k in ("positive", "middle")},
    ):
        assert (expected - run(**changed)).abs().max() > 0.01


def test_stop_and_resume_is_bit_equal_to_the_uninterrupted_run(saved, wire, elect, stock):
    wired = wire(saved, masks_for(saved))
    given = (wired.guider, "euler", wired.sigmas(10), wired.latent)
    found = elect.partial(*given, candidates_per_batch=1)
    for row, seed in enumerate(found.seeds):
        expected, _ = stock(*given, seed)
        assert torch.equal(elect.resume(found.rows([row]))[0]["samples"], expected)


def test_batched_candidates_are_what_their_seeds_give_alone(saved, wire, elect, stock):
    wired = wire(saved, masks_for(saved))
    given = (wired.guider, "euler", wired.sigmas(10), wired.latent)
    found = elect.partial(*given, candidates_per_batch=3, stop=1.0)
    alone = torch.cat([stock(*given, seed)[0] for seed in found.seeds])
    assert_close(elect.resume(found)[0]["samples"], alone, rtol=1e-4, atol=1e-4)


def test_relevance_and_bis_are_the_naive_ones(saved, wire, elect):
    from elect_tino.nodes.elect.score import score
    from elect_tino.nodes.elect.selection import Selection

    wired = wire(saved, masks_for(saved))
    runs = [reference(saved, wired, 10, seed) for seed in SEEDS]
    seeds = ", ".join(map(str, SEEDS))
    found = elect.partial(wired.guider, "euler", wired.sigmas(10), wired.latent, seeds=seeds)
    mask = elect.relevance(found, end=0.2)[0]

    total = torch.zeros(8, 6)
    for step in range(2):
        for run in runs:
            text, image, _ = run.predictions[step]
            raw = run.sigmas[step] * sum((text[c] - image[c]).abs() for c in range(16))
            total += (raw - raw.min()) / (raw.max() - raw.min())
    enlarged = F.interpolate((total / 4)[None, None] ** 2, size=(HEIGHT, WIDTH), mode="bilinear")
    assert_close(mask, enlarged[:, 0], rtol=0, atol=1e-4)

    weight = 1 - F.avg_pool2d(enlarged, 8)[0, 0]
    bis = []
    for run in runs:
        change = (run.estimates[3] - wired.source * SCALE)[0].abs().mean(0)
        bis.append(float((change * weight).sum() / weight.sum()))
    source = wired.guider.original_conds["positive"][0]["concat_latent_image"]
    with torch.inference_mode():
        scored = score(found, found.estimates(), mask, source, Selection(minimum_edit=0))
    assert_close(scored.scores, torch.tensor(bis), rtol=1e-4, atol=1e-5)
