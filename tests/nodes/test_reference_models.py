"""ELECT on the editing models of today, at small size: reference latents, 5-D and 128 channels.

Every claim is held against ComfyUI itself (SamplerCustomAdvanced, a guider called directly) or
against the method's formulas written out here.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from .reference_families import FAMILIES, edit
from .reference_models import kl_vae, wan_vae

pytestmark = pytest.mark.comfy

SEEDS = [3, 4, 5]
STEPS, WINDOW = 3, 2
PIXELS = dict.fromkeys(("flux2", "flux2_klein", "mage_flow_edit", "capybara"), 16)


@pytest.fixture(scope="module", params=list(FAMILIES))
def case(request, tmp_path_factory):
    return edit(FAMILIES[request.param], tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def partial(elect):
    """MultiSeedPartialSampler on an edit: three candidates, three steps, two in the window."""

    def run(case, sampler="euler", **given):
        options = {"seeds": "3, 4, 5", "stop": STEPS / (len(case.sigmas) - 1), **case.given}
        options["relevance_window"] = WINDOW / (len(case.sigmas) - 1)
        return elect.partial(case.guider, sampler, case.sigmas, case.latent, **{**options, **given})

    return run


@pytest.fixture(scope="module")
def found(case, partial):
    return partial(case)


def window(case) -> dict:
    return {"start": 0.0, "end": WINDOW / (len(case.sigmas) - 1)}


def one_step(case, cond: list, x: torch.Tensor, step: int) -> torch.Tensor:
    """The model's denoised prediction under one conditioning, from ComfyUI's guider alone.

    x (1, C, ...): noisy, in the model's scale.
    """
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_Basic

    def denoise_once(model, noise, sigmas, extra_args=None, **_):
        return model(x, sigmas[:1], **(extra_args or {}))

    guider = Guider_Basic(case.model)
    guider.set_conds(cond)
    sampler = comfy.samplers.KSAMPLER(denoise_once)
    sigmas = torch.stack([case.sigmas[step], torch.zeros(())])
    with torch.inference_mode():
        out = guider.sample(x, torch.zeros_like(x), sampler, sigmas, disable_pbar=True, seed=0)
    return case.model.model.process_latent_in(out)


def first_noisy(case, seed: int) -> torch.Tensor:
    """What the sampler gives the model first, (1, C, ...)."""
    import comfy.sample

    noise = comfy.sample.prepare_noise(case.latent["samples"], seed)
    sampling = case.model.get_model_object("model_sampling")
    start = case.latent["samples"]
    if bool(start.any()):
        start = case.model.model.process_latent_in(start)
    return sampling.noise_scaling(case.sigmas[0], noise, start, False)


def naive_weight(maps: list[torch.Tensor]) -> torch.Tensor:
    """The paper's relevance of one step: per candidate to [0, 1], mean, square."""
    stretched = [(m - m.min()) / (m.max() - m.min()) for m in maps]
    return torch.stack(stretched).mean(0) ** 2


def test_candidates_are_what_their_seeds_give_alone(case, found, stock, elect):
    finished = elect.resume(found)[0]["samples"]
    for row, seed in enumerate(SEEDS):
        expected, _ = stock(case.guider, "euler", case.sigmas, case.latent, seed)
        assert_close(finished[row : row + 1], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "euler_ancestral"])
def test_one_by_one_resuming_is_bit_equal_to_the_uninterrupted_run(
    case, partial, sampler, stock, elect
):
    expected, denoised = stock(case.guider, sampler, case.sigmas, case.latent, 4)
    paused = partial(case, sampler, seeds="4", candidates_per_batch=1)
    output = elect.resume(paused)
    assert torch.equal(output[0]["samples"], expected)
    assert torch.equal(output[1]["samples"], denoised)


def test_the_null_pass_is_counted_and_made_in_the_window_only(case, found):
    per_call = {"null": 1, "cfg": 2, "dual": 3}[case.family.guidance]
    extra = WINDOW if case.family.guidance == "null" else 0
    assert found.cost.nfe == len(SEEDS) * (STEPS + extra)
    assert found.cost.model_evaluations == len(SEEDS) * (STEPS * per_call + extra)


def test_relevance_is_text_against_no_text_with_the_picture(case, found, elect):
    maps = []
    for row, seed in enumerate(SEEDS):
        x = first_noisy(case, seed)
        text, null = (one_step(case, cond, x, 0) for cond in (case.text, case.null))
        maps.append((text - null).abs().sum(1, keepdim=True))
        assert_close(found.tape.relevance([0])[0][row : row + 1], maps[-1], atol=1e-3, rtol=1e-3)
    weight = naive_weight(maps)
    frames = weight[0].movedim(0, 1) if weight.ndim == 5 else weight
    size = [PIXELS.get(case.family.name, 8) * side for side in weight.shape[-2:]]
    expected = F.interpolate(frames, size=size, mode="bilinear")[:, 0].clamp(0, 1)
    mask, overlay = elect.relevance(found, end=1 / (len(case.sigmas) - 1)).args
    assert size == [80, 64]
    assert_close(mask, expected, atol=1e-3, rtol=1e-3)
    assert overlay.shape == (*mask.shape, 3)


def test_the_picture_without_text_differs_from_neither(case):
    """Else the claims above would hold for a model that ignores what it is shown."""
    x = first_noisy(case, 3)
    text, null, bare = (one_step(case, c, x, 0) for c in (case.text, case.null, case.bare))
    assert (text - null).abs().max() > 0.01
    if case.family.key:
        assert (null - bare).abs().max() > 0.01


def test_a_bare_null_becomes_the_null_with_the_picture(case):
    from comfy.sampler_helpers import convert_cond

    from elect_tino.nodes.host.conditions import NULL_KEY, with_null

    (made,) = with_null({"positive": convert_cond(case.text)}, case.bare)[NULL_KEY]
    (expected,) = convert_cond(case.null)
    assert made.pop("uuid") != expected.pop("uuid")
    assert_close(made, expected, atol=0, rtol=0)


def masked(case) -> torch.Tensor:
    """The left half may be edited."""
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    return mask


def test_bis_is_the_background_change_in_the_models_scale(case, found, elect):
    ui = elect.select(found, mask=masked(case)).ui["elect"][0]
    scale = case.model.model.process_latent_in
    change = (scale(found.estimates()) - scale(case.source)).abs().mean(1)
    half = change.shape[-1] // 2
    expected = change[..., half:].flatten(1).mean(1)
    assert_close(torch.tensor(ui["scores"]), expected, atol=1e-5, rtol=1e-4)
    assert ui["elected"] == int(expected.argmin())
    inside = change[..., :half].flatten(1).mean(1)
    assert_close(torch.tensor(ui["change_inside"]), inside, atol=1e-5, rtol=1e-4)


def test_bis_under_the_relevance_map_weighs_each_frame_by_its_own(case, found, elect):
    mask = elect.relevance(found, **window(case))[0]
    scores = elect.select(found, relevance=mask).ui["elect"][0]["scores"]
    cells = F.interpolate(mask[:, None], size=case.source.shape[-2:], mode="area")[:, 0]
    background = 1 - (cells if case.source.ndim == 5 else cells[0])
    scale = case.model.model.process_latent_in
    change = (scale(found.estimates()) - scale(case.source)).abs().mean(1)
    expected = (change * background).flatten(1).sum(1) / background.sum()
    assert_close(torch.tensor(scores), expected, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def vae(case, tmp_path_factory):
    if case.source.shape[1] == 32:
        pytest.skip("no small VAE of HunyuanVideo 1.5's layout here")
    if case.source.ndim == 5:
        return wan_vae(tmp_path_factory.mktemp("vae"))
    return kl_vae(case.source.shape[1], PIXELS.get(case.family.name, 8))


def test_pixel_space_compares_decoded_pictures_frame_by_frame(case, found, vae, elect):
    out = elect.select(found, mask=masked(case), space="pixel", vae=vae)
    with torch.inference_mode():
        pictures, source = vae.decode(found.estimates()), vae.decode(case.source)
    change = (pictures - source).abs().mean(-1)
    expected = change[..., 32:].flatten(1).mean(1)
    assert_close(torch.tensor(out.ui["elect"][0]["scores"]), expected, atol=1e-5, rtol=1e-4)
    assert len(out.ui["elect"][0]["pictures"]["candidates"]) == len(SEEDS)


def test_the_source_picture_may_be_given_in_place_of_its_latent(case, found, vae, elect):
    frames = 4 * (case.source.shape[2] - 1) + 1 if case.source.ndim == 5 else 1
    picture = torch.rand(frames, 80, 64, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        source = {"samples": vae.encode(picture)}
    own = elect.select(found, mask=masked(case)).ui["elect"][0]["scores"]
    as_latent = elect.select(found, mask=masked(case), source=source)
    given = elect.select(found, mask=masked(case), source_image=picture, vae=vae)
    assert given.ui["elect"][0]["scores"] == as_latent.ui["elect"][0]["scores"] != own
    overlay = elect.relevance(found, **window(case), image=picture)[1]
    assert overlay.shape == (max(frames, *case.source.shape[2:-2] or (1,)), 80, 64, 3)


def test_every_step_can_be_estimated_in_the_models_layout(case, found, elect):
    for step in range(1, STEPS + 1):
        assert elect.estimate(found, step)["samples"].shape[1:] == case.source.shape[1:]


def test_the_sampler_in_one_node_finishes_the_elected_seed(case, elect_sampler, stock):
    output, _, relevance, seed, _ = elect_sampler(case).args
    expected, _ = stock(case.guider, "euler", case.sigmas, case.latent, seed)
    assert_close(output["samples"], expected, atol=1e-4, rtol=1e-4)
    frames = case.source.shape[2] if case.source.ndim == 5 else 1
    assert relevance.shape == (frames, 80, 64)


@pytest.fixture(scope="module")
def elect_sampler():
    import comfy.samplers

    from elect_tino.nodes.elect.elect_sampler import ELECTSampler

    @torch.inference_mode()
    def run(case, **given):
        options = {
            "first_seed": 3,
            "num_candidates": 3,
            "stop": 0.4,
            "candidates_per_batch": 0,
            "window_start": 0.0,
            "window_end": 0.25,
            "form": "paper",
            "space": "latent",
            "minimum_edit": 0.0,
            **case.given,
        }
        sampler = comfy.samplers.sampler_object("euler")
        arguments = (case.guider, sampler, case.sigmas, case.latent)
        return ELECTSampler.execute(*arguments, **{**options, **given})

    return run
