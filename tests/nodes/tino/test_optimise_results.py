"""What comes out of TiNOOptimize, and what of its inputs counts in it."""

import pytest
import torch
from torch.testing import assert_close

from .small_edit import OPTIONS, by_host, cells


def test_the_result_can_be_the_last_or_all(optimize):
    every = optimize(result="all")
    assert len(every.latent) == OPTIONS["iterations"] + 1
    assert_close(optimize(result="last").latent, every.latent[-1:])
    assert any(torch.equal(optimize().latent[0], one) for one in every.latent)


def test_noise_and_sigmas_go_to_other_nodes(optimize, world):
    found = optimize()
    assert torch.equal(found.noise.generate_noise(world.source), found.noise.noise)
    with pytest.raises(ValueError, match="noise: it was optimised for"):
        found.noise.generate_noise({"samples": torch.zeros(1, 4, 4, 4)})
    assert len(found.sigmas) == OPTIONS["num_steps"] + 1
    assert (found.sigmas.diff() < 0).all()
    assert found.sigmas[-1] == 0
    assert "timesteps of 0..999: " in found.text
    assert found.curve.shape[-1] == 3
    assert found.curve.max() <= 1


def test_guidance_runs_the_negative(optimize, world):
    guided = optimize(cfg=3.0, negative=world.negative).latent
    assert not torch.allclose(guided, optimize().latent)
    with pytest.raises(ValueError, match="negative: cfg other than 1"):
        optimize(cfg=3.0)


def test_a_reference_of_another_size_is_resized_and_said_so(optimize, world, caplog):
    reference = {"samples": torch.randn(1, 4, 16, 16)}
    optimize(reference=reference)
    assert "reference has another size" in caplog.text
    with pytest.raises(ValueError, match="reference: expected a latent"):
        optimize(reference={"samples": torch.randn(1, 16, 16, 16)})


def test_images_of_a_batch_do_not_touch_each_other(world):
    from elect_tino.nodes.host.tino.edit import BareLoss, Edit
    from elect_tino.nodes.host.tino.optimising import Watch, run
    from elect_tino.tino_core.settings import Settings

    generator = torch.Generator().manual_seed(8)
    sources = torch.randn(2, 4, 10, 8, generator=generator)
    noise = torch.randn(2, 4, 10, 8, generator=generator)
    settings = Settings(num_steps=2, iterations=3, lr_noise=0.05)

    @torch.inference_mode()
    def results(rows):
        def away(source):
            return lambda x0: -(x0 - source).square().mean((1, 2, 3))

        edit = Edit(
            world.model,
            world.positive,
            None,
            1.0,
            {"samples": sources[rows]},
            None,
            cells(world.mask),
            noise[rows],
            BareLoss(away),
        )
        latent, found = run(edit, settings, Watch())
        return latent, found.optimised

    together, found = results([0, 1])
    for row in (0, 1):
        alone, own = results([row])
        assert_close(together[row : row + 1], alone, atol=1e-3, rtol=1e-3)
        assert_close(found.trajectory[:, row], own.trajectory[:, 0], atol=1e-2, rtol=0)


def as_flow(model, shift: float = 1.0):
    """The model taken for one of rectified flow."""
    from comfy.model_sampling import CONST, ModelSamplingDiscreteFlow

    class Flow(ModelSamplingDiscreteFlow, CONST):
        pass

    sampling, flow = Flow(model.model.model_config), model.clone()
    sampling.set_parameters(shift=shift)
    flow.add_object_patch("model_sampling", sampling)
    return flow


def test_a_flow_model_without_updates_is_eulers_run(optimize, world):
    """Everything edited, full noise: what ComfyUI's own sampler gives at the same noise levels."""
    import comfy.sample
    import comfy.samplers

    model = as_flow(world.model, 3.0)
    whole = torch.ones(1, 80, 64)
    found = optimize(model=model, iterations=0, mask=whole, strength=1.0)
    noise = comfy.sample.prepare_noise(world.source["samples"], OPTIONS["seed"])
    assert_close(found.sigmas, torch.tensor([1.0, 6 / 7, 0.6, 0.0]))
    expected = by_host(model, noise, found.sigmas, world.positive, world.source["samples"])
    assert_close(found.latent, expected, atol=1e-3, rtol=1e-3)


def test_a_flow_model_is_optimised(optimize, world):
    model = as_flow(world.model)
    plain, found = optimize(model=model, iterations=0), optimize(model=model, iterations=3)
    assert not torch.equal(found.noise.noise, plain.noise.noise)
    assert "timesteps of 0..1000: " in found.text


def test_the_best_of_several_first_noises_goes_on(optimize):
    """Each try is the run of its own seed; the text says which one was elected."""
    found = optimize(iterations=0, tries=3)
    alone = [optimize(iterations=0, seed=OPTIONS["seed"] + number) for number in range(3)]
    (elected,) = (n for n, one in enumerate(alone) if torch.equal(one.latent, found.latent))
    assert f"try {elected + 1} of 3 elected (seed + {elected})" in found.text
    assert "untouched source semantic" in found.text


def test_a_preset_sets_the_papers_numbers(optimize):
    set_by_hand = {"iterations": 50, "lr_noise": 0.005, "tries": 1, "smoothing": 0}
    expected = optimize(**set_by_hand, num_steps=1)
    assert_close(optimize(preset="paper", tries=5, num_steps=1).latent, expected.latent)


def test_a_loss_that_is_no_number_gives_the_best_so_far(optimize, world):
    from elect_tino.nodes.tino.latent_models import FeatureModel

    calls = []

    def features(latent):
        calls.append(1)
        good = latent.flatten(1)[:, :16]
        return good * float("nan") if len(calls) > 6 else good  # the guard calls twice

    broken = FeatureModel("test", "SD15", (), features)
    found = optimize(latent_clip=broken)
    assert "The loss was no number at iteration 3" in found.text
    assert found.latent.isfinite().all()


def test_pixel_clip_stands_in_for_latent_clip(optimize, world):
    """Through ComfyUI's own VAE and CLIP vision classes; gradients reach the noise."""
    import comfy.clip_vision

    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.nodes.tino.latent_models import PixelCLIP

    with torch.inference_mode():
        vae = load_embedded()[2]
        clip_vision = tiny_clip_vision(comfy.clip_vision)
        pixel = PixelCLIP.execute(world.model, vae, clip_vision).args[0]
    plain, found = optimize(iterations=0), optimize(latent_clip=pixel, iterations=2)
    assert not torch.equal(found.noise.noise, plain.noise.noise)
    assert found.latent.isfinite().all()


def tiny_clip_vision(clip_vision):
    import json
    import tempfile
    from pathlib import Path

    config = {
        "attention_dropout": 0.0,
        "hidden_act": "quick_gelu",
        "hidden_size": 32,
        "image_size": 32,
        "intermediate_size": 64,
        "layer_norm_eps": 1e-5,
        "model_type": "clip_vision_model",
        "num_attention_heads": 2,
        "num_channels": 3,
        "num_hidden_layers": 3,
        "patch_size": 8,
        "projection_dim": 16,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(config))
        model = clip_vision.ClipVisionModel(str(path))
    generator = torch.Generator().manual_seed(4)
    for parameter in model.model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model
