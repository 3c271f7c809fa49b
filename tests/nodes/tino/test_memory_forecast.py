"""What gradients keep of transformers at full size, counted on the meta device; the forecast."""

from dataclasses import fields

import pytest
import torch

from ..newer_models import skip_where_lacking

pytestmark = pytest.mark.comfy
SIDE, TOKENS = 64, 256  # 512 x 512 pixels, tokens of text
BF16 = {"dtype": torch.bfloat16, "device": "meta"}


class Attention(torch.autograd.Function):
    """Keeps what a fused kernel keeps: q, k, v, the result and one number a query."""

    @staticmethod
    def forward(ctx, q, k, v):
        out, level = torch.empty_like(q), q.new_empty(q.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(q, k, v, out, level)
        return out


def attend(q, k, v, heads, mask=None, skip_reshape=False, **_):
    if not skip_reshape:
        width = q.shape[-1] // heads
        q, k, v = (one.reshape(len(one), -1, heads, width).transpose(1, 2) for one in (q, k, v))
    return Attention.apply(q, k, v).transpose(1, 2).flatten(2)


def sd3(operations):
    from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT

    layer = {"in_features": 4096, "out_features": 1536}
    return MMDiT(
        input_size=None,
        in_channels=16,
        patch_size=2,
        depth=24,
        pos_embed_scaling_factor=None,
        pos_embed_max_size=192,
        num_patches=36864,
        adm_in_channels=2048,
        context_embedder_config={"target": "torch.nn.Linear", "params": layer},
        operations=operations,
        **BF16,
    ), {"width": 4096, "y": 2048, "time": "t"}


def flux(operations):
    from comfy.ldm.flux.model import Flux, FluxParams

    newer = {"txt_ids_dims": []}  # of the newer hosts
    known = {field.name for field in fields(FluxParams)}
    return Flux(
        **{name: value for name, value in newer.items() if name in known},
        image_model="flux",
        in_channels=16,
        out_channels=16,
        patch_size=2,
        vec_in_dim=768,
        context_in_dim=4096,
        hidden_size=3072,
        mlp_ratio=4.0,
        num_heads=24,
        depth=19,
        depth_single_blocks=38,
        axes_dim=[16, 56, 56],
        theta=10000,
        qkv_bias=True,
        guidance_embed=False,
        operations=operations,
        **BF16,
    ), {"width": 4096, "y": 768, "time": "timestep"}


def lumina(operations, **changes):
    from comfy.ldm.lumina.model import NextDiT

    sizes = {"dim": 2304, "cap_feat_dim": 2304, "n_layers": 26, "n_heads": 24, "n_kv_heads": 8}
    axes = {"axes_dims": [32, 32, 32], "axes_lens": [300, 512, 512]}
    given = {"patch_size": 2, "in_channels": 16, "n_refiner_layers": 2, "qk_norm": True}
    given = {**given, **sizes, **axes, **changes}
    width = given["cap_feat_dim"]
    more = {"num_tokens": TOKENS, "attention_mask": None}
    return NextDiT(**given, operations=operations, **BF16), {"width": width, **more}


def z_image(operations):
    skip_where_lacking({"z_image_modulation": True})
    return lumina(
        operations,
        dim=3840,
        cap_feat_dim=2560,
        n_layers=30,
        n_heads=30,
        n_kv_heads=30,
        axes_dims=[32, 48, 48],
        axes_lens=[1536, 512, 512],
        z_image_modulation=True,
        ffn_dim_multiplier=8 / 3,
        time_scale=1000.0,
    )


def qwen(operations):
    from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

    return QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        num_layers=60,
        attention_head_dim=128,
        num_attention_heads=24,
        joint_attention_dim=3584,
        operations=operations,
        **BF16,
    ), {"width": 3584, "frame": 1, "time": "timestep"}


FACTORS = {sd3: "SD3", flux: "Flux", lumina: "Lumina2", z_image: "ZImage", qwen: "QwenImage"}
"""Builders, and ComfyUI's configuration whose memory factor each has."""


def arguments(width, y=None, time="timesteps", frame=None, **more):
    """What a network is called with: x with a gradient, and the rest."""
    made = dict(BF16)
    shape = (1, 16, SIDE, SIDE) if frame is None else (1, 16, frame, SIDE, SIDE)
    x = torch.zeros(shape, **made, requires_grad=True)
    given = {"context": torch.zeros(1, TOKENS, width, **made), time: torch.ones(1, **made), **more}
    return x, given if y is None else {**given, "y": torch.zeros(1, y, **made)}


def kept(network, x, given, monkeypatch) -> int:
    """Bytes that autograd keeps for one call, the weights left out."""
    from comfy.ldm.modules import attention

    from elect_tino.nodes.host.tino.gradients import with_gradients

    monkeypatch.setattr(attention, "attention_pytorch", attend)
    network.requires_grad_(False)
    weights = [*network.parameters(), *network.buffers()]
    own = {one.untyped_storage()._cdata for one in weights}
    seen = {}

    def count(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            seen[storage._cdata] = storage  # alive, so that no other gets its address
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor)
    with with_gradients([network]), hooks:
        network(x, **given)
    return sum(storage.nbytes() for storage in seen.values())


@pytest.mark.parametrize("build", FACTORS, ids=lambda build: build.__name__)
def test_the_forecast_holds_what_is_kept_and_little_more(build, monkeypatch):
    import comfy.ops
    import comfy.supported_models

    from elect_tino.nodes.host.tino.memory import kept_by

    network, sizes = build(comfy.ops.disable_weight_init)
    found = kept(network, *arguments(**sizes), monkeypatch)
    factor = getattr(comfy.supported_models, FACTORS[build]).memory_usage_factor
    forecast = kept_by(network).full * SIDE**2 * 2 * factor * 2**20
    assert found <= forecast <= 1.8 * found
