"""Gradients through ComfyUI's own transformers at small size.

SD3, FLUX, Lumina 2, Z-Image, and Qwen-Image, whose latents are videos of one frame.
"""

import pytest
import torch
from torch.testing import assert_close

from ..newer_models import skip_where_lacking
from ..reference_models import FLUX, QWEN, WIDTH, build, randomise
from .small_edit import by_host

pytestmark = pytest.mark.comfy
LUMINA = {
    "image_model": "lumina2",
    "patch_size": 2,
    "in_channels": 16,
    "dim": 48,
    "cap_feat_dim": WIDTH,
    "n_layers": 2,
    "n_refiner_layers": 1,
    "qk_norm": True,
    "n_heads": 2,
    "n_kv_heads": 1,
    "multiple_of": 16,
    "axes_dims": [8, 8, 8],
    "axes_lens": [64, 64, 64],
}
Z_IMAGE = {
    **LUMINA,
    "dim": 256,  # its modulation is that wide at least
    "axes_dims": [32, 48, 48],
    "n_kv_heads": 2,
    "ffn_dim_multiplier": 8 / 3,
    "z_image_modulation": True,
    "time_scale": 1000.0,
}
FLOWS = {
    "flux": FLUX,
    "flux schnell": {**FLUX, "guidance_embed": False},
    "lumina 2": LUMINA,
    "z-image": Z_IMAGE,
    "qwen-image": QWEN,
}


def build_sd3():
    """SD3: ComfyUI's class for it, two blocks wide 128."""
    import comfy.model_base
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models

    layout = {"target": "torch.nn.Linear"}
    settings = {
        "in_channels": 16,
        "pos_embed_scaling_factor": None,
        "patch_size": 2,
        "depth": 2,
        "pos_embed_max_size": 16,
        "num_patches": 256,
        "input_size": None,
        "adm_in_channels": WIDTH,
        "context_embedder_config": {
            **layout,
            "params": {"in_features": WIDTH, "out_features": 128},
        },
    }
    config = comfy.supported_models.SD3(settings)
    config.set_inference_dtype(torch.float32, None)
    config.custom_operations = None
    model = comfy.model_base.SD3(config, device=torch.device("cpu"))
    randomise(model.diffusion_model)
    # A buffer, which the host leaves uninitialised: a checkpoint brings it.
    model.diffusion_model.pos_embed.normal_(std=0.1, generator=torch.Generator().manual_seed(1))
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model.eval(), device, torch.device("cpu"))


@pytest.fixture(scope="module", params=["sd3", *FLOWS])
def edit(request, tmp_path_factory):
    """An edit of everything, towards a picture."""
    from elect_tino.nodes.host.tino.edit import BareLoss, Edit

    skip_where_lacking(FLOWS.get(request.param, {}))
    with torch.inference_mode():
        if request.param == "sd3":
            model = build_sd3()
        else:
            model = build(FLOWS[request.param], tmp_path_factory.mktemp("flow"))
        generator = torch.Generator().manual_seed(3)
        frame = (1,) if request.param == "qwen-image" else ()
        source, noise = torch.randn(2, 1, 16, *frame, 8, 8, generator=generator)
        wanted = torch.randn(1, 16, 8, 8, generator=generator)
        text = torch.randn(1, 7, WIDTH, generator=generator)
        pooled = torch.randn(1, WIDTH, generator=generator)
        extra = {"pooled_output": pooled, "guidance": 3.5}
        if request.param == "lumina 2":  # older hosts count its tokens by their mask
            extra["attention_mask"] = torch.ones(1, 7, dtype=torch.int64)
        mask = torch.ones(1, 1, 8, 8)

        def build_loss(source):
            return lambda x0: (x0 - wanted.clone()).square().mean((1, 2, 3))

        loss = BareLoss(build_loss)
        return Edit(model, [[text, extra]], None, 1.0, {"samples": source}, None, mask, noise, loss)


def run(edit, **options):
    from elect_tino.nodes.host.tino import optimising
    from elect_tino.tino_core.settings import Settings

    given = {"num_steps": 3, "strength": 0.8, "lr_timesteps": 0.0, "keep_all": True, **options}
    with torch.inference_mode():
        latent, found = optimising.run(edit, Settings(**given), optimising.Watch())
    return latent, found.optimised


def test_without_updates_it_is_the_hosts_own_euler(edit):

    from elect_tino.nodes.host.tino.continuous import scale_of
    from elect_tino.nodes.tino.found import as_sigmas

    latent, found = run(edit, iterations=0)
    scale = scale_of(edit.model.get_model_object("model_sampling"))
    sigmas, samples = as_sigmas(scale, found), edit.latent["samples"]
    expected = by_host(edit.model, edit.noise, sigmas, edit.positive, samples)
    assert_close(latent, expected, atol=1e-3, rtol=1e-3)


def test_the_gradient_to_the_noise_is_that_of_central_differences(edit):
    """A first clipped step of no limit is -1.9 lr times the gradient."""
    from dataclasses import replace

    lr = 1.0
    _, found = run(edit, iterations=1, lr_noise=lr, clip=1e9)
    gradient = (found.noises[0] - found.noises[1]) / (1.9 * lr)
    direction = (gradient / gradient.norm()).reshape(edit.noise.shape)
    step = 0.1

    def value(sign):
        moved = replace(edit, noise=edit.noise + sign * step * direction)
        return float(run(moved, iterations=1, lr_noise=lr)[1].losses[0, 0])

    slope = (value(1) - value(-1)) / (2 * step)
    assert slope == pytest.approx(float(gradient.norm()), rel=0.03)
    assert slope > 0


def test_updates_lower_the_loss_and_the_timesteps_have_a_gradient(edit):
    _, found = run(edit, iterations=4, lr_noise=0.05, lr_timesteps=5.0)
    assert found.losses.amin() < found.losses[0].min()
    assert not torch.equal(found.trajectory[1], found.trajectory[0])


def test_the_model_is_unmodified_afterwards(edit):
    import comfy.ldm.flux.math
    from comfy.ldm.modules import attention

    before, attend = run(edit, iterations=0)[0], comfy.ldm.flux.math.optimized_attention
    base = edit.model.model
    tensors = {name: id(one) for name, one in base.named_parameters()}
    run(edit, iterations=1)
    assert {name: id(one) for name, one in base.named_parameters()} == tensors
    assert not any("forward" in vars(module) for module in base.modules())
    assert comfy.ldm.flux.math.optimized_attention is attend is attention.optimized_attention
    assert torch.equal(run(edit, iterations=0)[0], before)


def test_the_noise_of_what_the_source_shows_brings_it_back(edit):
    """Inverted and denoised under the same text; a random model converges slowly, so by half."""
    from dataclasses import replace

    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:6, 2:6] = 1
    edit = replace(edit, mask=mask)
    plain, _ = run(edit, iterations=0, strength=0.4)
    back, found = run(replace(edit, invert=edit.positive), iterations=0, strength=0.4)
    far, near = ((one - edit.latent["samples"]).abs().mean() for one in (plain, back))
    assert near < 0.5 * far
    assert not torch.equal(found.noise.reshape(edit.noise.shape), edit.noise)


def test_the_gradient_is_that_of_plain_autograd(edit):
    """Which alone notices what a model writes onto after it was saved; a checkpoint does not."""
    along = {"iterations": 1, "lr_noise": 1.0, "clip": 1e9}  # the update is 1.9 times the gradient
    again, plain = (run(edit, recompute=recompute, **along)[1] for recompute in (True, False))
    found, expected = (one.noises[1] - one.noises[0] for one in (again, plain))
    assert_close(found, expected, atol=1e-4 * float(expected.abs().max()), rtol=1e-3)


def calls_of_a_block(edit, **options):
    """A run, and how often the first block was run in it."""
    network = edit.model.model.diffusion_model
    block = next(one for one in network.modules() if "Block" in type(one).__name__)
    forward, calls = block.forward, []
    block.forward = lambda *args, **kwargs: calls.append(1) or forward(*args, **kwargs)
    found = run(edit, **options)[1]
    del block.forward
    return found, len(calls)


def test_blocks_that_are_run_again_give_the_same_update(edit, monkeypatch):
    """On a device without memory to spare; FLUX's and SD3's blocks add onto what they are given."""
    import comfy.model_management

    along = {"iterations": 1, "lr_noise": 1.0, "clip": 1e9}  # the update is 1.9 times the gradient
    plain, once = calls_of_a_block(edit, **along)
    monkeypatch.setattr(comfy.model_management, "get_total_memory", lambda *_, **__: 1)
    again, more = calls_of_a_block(edit, **along)
    moved = plain.noises[1] - plain.noises[0]
    found = again.noises[1] - again.noises[0]
    assert_close(found, moved, atol=1e-4 * float(moved.abs().max()), rtol=1e-3)
    assert more == once + 3  # each of three steps
