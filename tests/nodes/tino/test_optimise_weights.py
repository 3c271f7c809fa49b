"""What patches, casts or holds the weights: it counts, lets gradients through and is undone."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from ..conftest import UNET, random_model
from .small_edit import ksampler


def lora(model, strength: float):
    """The MODEL with a LoRA on its attention and convolutions, as LoraLoader makes it."""
    generator = torch.Generator().manual_seed(2)
    patched = model.clone()
    with torch.inference_mode():
        for key, weight in model.model.state_dict().items():
            if not key.startswith("diffusion_model") or weight.ndim < 2:
                continue
            flat = weight.flatten(1)
            up = torch.randn(len(flat), 2, generator=generator)
            down = torch.randn(2, flat.shape[1], generator=generator)
            change = (up @ down / flat.shape[1] ** 0.5).reshape(weight.shape)
            patched.add_patches({key: ("diff", (change,))}, strength)
    return patched


def test_a_lora_counts_and_is_gone_afterwards(optimize, world):
    before = ksampler(world.model, world.positive)
    plain, patched = optimize().latent, optimize(model=lora(world.model, 0.1)).latent
    assert not torch.allclose(plain, patched)
    assert torch.equal(ksampler(world.model, world.positive), before)
    assert torch.equal(optimize().latent, plain)


def controlled(positive):
    """The CONDITIONING with a random ControlNet of the same make as the model."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops

    names = ("num_res_blocks", "channel_mult", "transformer_depth", "transformer_depth_middle")
    shared = {name: UNET[name] for name in (*names, "context_dim", "num_heads", "model_channels")}
    network = comfy.cldm.cldm.ControlNet(
        image_size=32,
        in_channels=4,
        hint_channels=3,
        use_spatial_transformer=True,
        legacy=False,
        operations=comfy.ops.disable_weight_init,
        **copy.deepcopy(shared),
    )
    generator = torch.Generator().manual_seed(6)
    for parameter in network.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    control = comfy.controlnet.ControlNet(network, load_device=torch.device("cpu"))
    control.set_cond_hint(torch.rand(1, 3, 80, 64, generator=generator), 1.0, (0.0, 1.0))
    return [[positive[0][0], {"control": control, "control_apply_to_uncond": True}]]


def test_a_controlnet_counts_and_lets_gradients_through(optimize, world):
    with torch.inference_mode():
        positive = controlled(world.positive)
    plain, start = optimize(), optimize(positive=positive, iterations=0)
    found = optimize(positive=positive)
    assert not torch.allclose(found.latent, plain.latent)
    assert not torch.equal(found.noise.noise, start.noise.noise)


def gradient(model, **options):
    """Gradient of the UNet's output to x, and the bytes that autograd kept for it."""
    from elect_tino.nodes.host.tino.gradients import with_gradients

    network = model.model.diffusion_model
    kept: dict[int, int] = {}

    def count(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with with_gradients([network], **options):
        generator = torch.Generator().manual_seed(3)
        x = torch.randn(1, 8, 10, 8, generator=generator).requires_grad_()
        context = torch.randn(1, 7, 16, generator=generator)
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            out = network(x, torch.tensor([500.0]), context=context).square().sum()
        held = sum(kept.values())
        out.backward()
    return x.grad, held


def cast_on_the_fly(model):
    """Make every layer copy its weights in every call, as low VRAM and other dtypes do."""
    for module in model.model.modules():
        if hasattr(module, "comfy_cast_weights"):
            module.comfy_cast_weights = True
            module.weight_function = [lambda weight: weight + 0]
    return model


def test_layers_that_cast_their_weights_keep_no_copies(world):
    size = sum(p.nbytes for p in world.model.model.diffusion_model.parameters())
    with torch.inference_mode():
        casting = cast_on_the_fly(random_model())
    expected, held = gradient(world.model)
    found, held_casting = gradient(casting)
    assert_close(found, expected)
    # The plain model keeps references to the one set of weights; cast ones would be a second.
    assert held > size / 2
    assert held_casting < held - size / 2


def test_blocks_run_again_keep_less_and_give_the_same_gradient(world):
    expected, held = gradient(world.model)
    found, held_blocks = gradient(world.model, blocks=True)
    assert_close(found, expected)
    assert held_blocks < 0.7 * held


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_with_float32_optimisation(optimize, world, dtype):
    with torch.inference_mode():
        half = random_model()
        half.model.diffusion_model.to(dtype)
        half.model.diffusion_model.dtype = dtype
        half.model.manual_cast_dtype = torch.float32
        cast_on_the_fly(half)
    found, full = optimize(model=half), optimize()
    assert found.noise.noise.dtype == torch.float32
    assert (found.latent - full.latent).abs().mean() < 0.2 * full.latent.abs().mean()


def test_loss_is_scaled_where_the_model_computes_in_float16():
    from elect_tino.nodes.host.tino.memory import compute_dtype

    def patcher(manual, own):
        return SimpleNamespace(
            model=SimpleNamespace(manual_cast_dtype=manual, get_dtype=lambda: own)
        )

    assert compute_dtype(patcher(None, torch.float16)) == torch.float16
    assert compute_dtype(patcher(torch.float32, torch.float16)) == torch.float32


def test_hooks_that_change_weights_are_refused(optimize, world):
    hooked = [[world.positive[0][0], {"hooks": object()}]]
    with pytest.raises(ValueError, match="positive: it carries hooks"):
        optimize(positive=hooked)


def test_too_little_memory_is_said_before_the_first_step(optimize, world, monkeypatch):
    import comfy.model_management

    calls = []
    monkeypatch.setattr(
        world.model.model.diffusion_model, "forward", lambda *a, **k: calls.append(1)
    )
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda *a, **k: 1000)
    with pytest.raises(ValueError, match=r"source: its gradients need about .* GB beside"):
        optimize()
    assert not calls


def test_blocks_are_run_again_where_memory_is_short(optimize, world, monkeypatch):
    """The result is the same, and the blocks are back to normal."""
    import comfy.model_management

    expected = optimize().latent
    size = world.model.model_size() + world.latent_clip.patchers[0].model_size()
    monkeypatch.setattr(comfy.model_management, "get_total_memory", lambda *a, **k: size)
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda *a, **k: 2**30)
    assert_close(optimize().latent, expected, atol=1e-4, rtol=1e-4)
