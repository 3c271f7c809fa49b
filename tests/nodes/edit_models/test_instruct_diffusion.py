"""InstructDiffusion's guider gives the published rule, through every ELECT node."""

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy

CFG, IMAGE_CFG = 5.0, 1.25


@pytest.fixture(scope="module")
def node():
    from elect_tino.nodes.edit_models.instruct_diffusion import InstructDiffusionGuider

    return InstructDiffusionGuider.execute


@pytest.fixture
def guider(node, scene):
    return node(scene.model, scene.text, scene.image, CFG, IMAGE_CFG)[0]


def predictions(model, scene, x: torch.Tensor, sigma: float) -> SimpleNamespace:
    """The UNet itself on eight channels, three times: no guider, no conditioning code of ours."""
    level = torch.full((len(x),), sigma)

    def denoised(text: list, picture: torch.Tensor) -> torch.Tensor:
        features = text[0][0].expand(len(x), -1, -1)
        return model.apply_model(x, level, c_concat=picture, c_crossattn=features)

    picture = scene.source.expand(len(x), -1, -1, -1)
    return SimpleNamespace(
        both=denoised(scene.text, picture),
        image=denoised(scene.image, picture),
        text=denoised(scene.text, torch.zeros_like(picture)),
    )


@pytest.mark.parametrize("sigma", [14.0, 1.5, 0.2])
def test_guided_prediction_is_the_published_rule(guider, scene, sigma):
    x = torch.randn(2, 4, 10, 8, generator=torch.Generator().manual_seed(0)) * sigma
    seen = {}

    class Once:
        """A SAMPLER that asks the guider once and goes home."""

        def sample(self, wrapped, sigmas, extra_args, callback, noise, *rest):
            seen["guided"] = wrapped(x, torch.full((2,), sigma), **extra_args)
            model = wrapped.inner_model
            seen["apart"] = predictions(model, scene, x, sigma)
            return noise

    latent = torch.zeros(2, 4, 10, 8)
    with torch.inference_mode():
        guider.sample(x, latent, Once(), torch.tensor([sigma, 0.0]), seed=0)
    p = seen["apart"]
    rule = 0.5 * (p.image + p.text) + CFG * (p.both - p.image) + IMAGE_CFG * (p.both - p.text)
    # As noise, which is what the UNet predicts and the authors guide.
    guided, expected = ((x - denoised) / sigma for denoised in (seen["guided"], rule))
    assert_close(guided, expected, atol=1e-5, rtol=1e-5)


def test_candidates_are_what_the_stock_sampler_gives_each_seed(guider, scene, elect, stock):
    found = elect.partial(
        guider, "euler_ancestral", scene.sigmas, scene.latent, candidates_per_batch=1
    )
    finished = elect.resume(found)[0]["samples"]
    for row, seed in enumerate(found.seeds):
        alone, _ = stock(guider, "euler_ancestral", scene.sigmas, scene.latent, seed)
        assert torch.equal(finished[row : row + 1], alone)


def test_candidates_share_a_batch(guider, scene):
    import comfy.samplers

    from elect_tino.nodes.host.elect.batching import why_one_by_one

    assert why_one_by_one(guider, comfy.samplers.sampler_object("euler"), False) is None


def test_relevance_compares_text_and_picture_with_the_picture_alone(guider, scene, elect):
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, num_candidates=1)
    seen = []

    class First:
        def sample(self, wrapped, sigmas, extra_args, callback, noise, *rest):
            x = noise * (1 + sigmas[0] ** 2) ** 0.5
            seen.append(predictions(wrapped.inner_model, scene, x, float(sigmas[0])))
            return noise

    from elect_tino.nodes.host.elect.noise import initial_noise

    noise = initial_noise(scene.latent, found.seeds)
    with torch.inference_mode():
        guider.sample(noise, scene.latent["samples"], First(), scene.sigmas, seed=0)
    expected = (seen[0].both - seen[0].image).abs().sum(1, keepdim=True)
    assert_close(found.tape.calls[0]["relevance"], expected, atol=1e-3, rtol=1e-3)
    assert found.cost.model_evaluations == 3 * found.cost.nfe


def test_text_only_conditioning_is_made_from_the_positive(guider):
    (text,) = guider.original_conds["text_only"]
    assert "concat_latent_image" not in text


def test_conditioning_without_a_picture_is_refused(node, scene):
    with pytest.raises(ValueError, match="negative: it carries no source picture"):
        node(scene.model, scene.text, scene.empty, CFG, IMAGE_CFG)


@pytest.mark.parametrize("kind", ["COSXL", "FLUX"])
def test_model_of_another_architecture_is_refused(node, scene, tmp_path, kind):
    """CosXL-Edit sees its picture by the same conditioning, and is guided by another rule."""
    from .. import reference_models

    model = reference_models.build(getattr(reference_models, kind), tmp_path)
    with pytest.raises(ValueError, match="model: expected a UNet of SD 1.5 with 8 input channels"):
        node(model, scene.text, scene.image, CFG, IMAGE_CFG)


def published_form(path) -> None:
    """A .ckpt as its authors publish it: SD 1.5's full size, 8 channels, under `state_dict`.

    Every tensor repeats one number, so that the file is small.
    """
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.ops import disable_weight_init
    from comfy.supported_models import SD15_instructpix2pix

    config = {
        **SD15_instructpix2pix.unet_config,
        "image_size": 32,
        "out_channels": 4,
        "num_res_blocks": [2, 2, 2, 2],
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        "transformer_depth_middle": 1,
        "num_heads": 8,
        "use_spatial_transformer": True,
        "legacy": False,
    }
    unet = UNetModel(**config, device="meta", operations=disable_weight_init)
    number = torch.full((1,), 0.01, dtype=torch.float16)
    state = {
        f"model.diffusion_model.{key}": number.as_strided(value.shape, [0] * value.ndim)
        for key, value in unet.state_dict().items()
    }
    torch.save({"state_dict": state, "global_step": 1}, path)


def test_stock_loader_takes_the_published_checkpoint(node, scene, tmp_path):
    import comfy.sd

    path = tmp_path / "v1-5-pruned-emaonly-adaption-task.ckpt"
    published_form(path)
    assert path.stat().st_size < 2**20
    model, *_ = comfy.sd.load_checkpoint_guess_config(
        str(path), output_vae=False, output_clip=False, model_options={"dtype": torch.float8_e4m3fn}
    )
    assert model is not None
    assert model.model.diffusion_model.input_blocks[0][0].weight.shape == (320, 8, 3, 3)
    assert node(model, scene.text, scene.image, CFG, IMAGE_CFG)[0].cfg == CFG


def test_checkpoint_that_would_run_code_is_not_loaded(tmp_path):
    import pickle

    import comfy.sd

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": {"trap": Trap()}}, tmp_path / "bad.ckpt")
    with pytest.raises(pickle.UnpicklingError):
        comfy.sd.load_checkpoint_guess_config(str(tmp_path / "bad.ckpt"))
    assert not (tmp_path / "ran").exists()
