"""Ways in which a folder of an editing model can be broken, and what is said of each."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Edit = Callable[[Path], object]


def replace(path: Path, content: bytes) -> None:
    """New content for a file, not for what it links to."""
    path.unlink()
    path.write_bytes(content)


def edit_json(path: Path, **changed: object) -> None:
    replace(path, json.dumps(json.loads(path.read_bytes()) | changed).encode())


def halve(path: Path) -> None:
    content = path.read_bytes()
    replace(path, content[: len(content) // 2])


def edit_weights(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        state = load_file(path)
        change(state)
        path.unlink()
        save_file(state, path)

    return edit


def only(**shapes: tuple[int, ...]) -> Callable[[dict], object]:
    """Nothing but these tensors; dots are written as two underscores."""

    def change(state: dict) -> None:
        state.clear()
        state.update({k.replace("__", "."): torch.zeros(v) for k, v in shapes.items()})

    return change


def drop(key: str) -> Callable[[dict], object]:
    return lambda state: state.pop(key)


def put(key: str, *shape: int) -> Callable[[dict], object]:
    return lambda state: state.update({key: torch.zeros(shape)})


UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
SPOILED: dict[str, tuple[str, str, Edit, str]] = {
    "no unet config": ("instruct_pix2pix", "unet/config.json", Path.unlink, "config.json is miss"),
    "no weights": ("instruct_pix2pix", UNET, Path.unlink, "unet holds no weights"),
    "truncated": ("instruct_pix2pix", UNET, halve, "safetensors cannot be read"),
    "empty file": ("instruct_pix2pix", UNET, lambda p: replace(p, b""), "cannot be read"),
    "index of another": (
        "instruct_pix2pix",
        "model_index.json",
        lambda p: replace(p, b"["),
        "model_index.json is not JSON",
    ),
    "a key less": (
        "instruct_pix2pix",
        UNET,
        edit_weights(drop("conv_out.bias")),
        r"unet is not whole.* missing \['out.2.bias'\]",
    ),
    "a key more": (
        "instruct_pix2pix",
        UNET,
        edit_weights(put("time_embedding.cond_proj.weight", 4, 4)),
        r"holds \['time_embedding.cond_proj.weight'\]",
    ),
    "another shape": (
        "instruct_pix2pix",
        UNET,
        edit_weights(put("conv_out.bias", 7)),
        r"of another shape \['out.2.bias'\]",
    ),
    "4 channels": (
        "instruct_pix2pix",
        UNET,
        edit_weights(put("conv_in.weight", 32, 4, 3, 3)),
        "unet is a diffusers UNet with 4 input channels",
    ),
    "other heads": (
        "instruct_pix2pix",
        "unet/config.json",
        lambda p: edit_json(p, attention_head_dim=[5, 10]),
        "attention heads",
    ),
    "sample prediction": (
        "instruct_pix2pix",
        "scheduler/scheduler_config.json",
        lambda p: edit_json(p, prediction_type="sample"),
        "prediction_type 'sample'; expected one of",
    ),
    "a linear schedule": (
        "instruct_pix2pix",
        "scheduler/scheduler_config.json",
        lambda p: edit_json(p, beta_schedule="linear"),
        "scheduler_config.json says beta_schedule = 'linear'; ComfyUI's model has 'scaled_linear'",
    ),
    "text encoder of another width": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: edit_json(p, hidden_size=1024),
        "text_encoder are 1024 wide, but the model reads 32",
    ),
    "text encoder of another kind": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: replace(p, b'{"model_type": "t5", "d_model": 4096}'),
        "config.json says no hidden_size, so text_encoder is the text encoder of another model",
    ),
    "text encoder unlike its config": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: edit_json(p, intermediate_size=96),
        "does not fit its config.json",
    ),
    "text encoder of fewer layers": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: edit_json(p, num_hidden_layers=3),
        r"missing \['text_model.encoder.layers.2",
    ),
    "VAE truncated": ("instruct_pix2pix", VAE, halve, "vae/.* cannot be read"),
    "VAE a key less": (
        "instruct_pix2pix",
        VAE,
        edit_weights(drop("quant_conv.bias")),
        r"missing \['quant_conv.bias'\]",
    ),
    "VAE of another size": (
        "instruct_pix2pix",
        VAE,
        edit_weights(only(decoder__conv_in__weight=(64, 4, 3, 3))),
        "is not Stable Diffusion's VAE",
    ),
    "VAE of another latent": (
        "instruct_pix2pix",
        VAE,
        edit_weights(only(decoder__conv_in__weight=(512, 16, 3, 3))),
        "vae has 16 latent channels; the model takes the VAE of 4",
    ),
    "transformer a key less": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("proj_out.bias")),
        r"missing \['final_layer.linear.bias'\]",
    ),
    "transformer without a k weight": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.0.attn.to_k.weight")),
        r"missing \['transformer_blocks.0.attn.to_k.weight'\]",
    ),
    "transformer without a q weight": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.0.attn.to_q.weight")),
        r"missing \['transformer_blocks.0.attn.to_q.weight'\]",
    ),
    "transformer without a bias of the text's k": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.1.attn.add_k_proj.bias")),
        r"missing \['transformer_blocks.1.attn.add_k_proj.bias'\]",
    ),
    "transformer without the weight that tells it": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.0.attn.add_q_proj.weight")),
        "lacks transformer_blocks.0.attn.add_q_proj.weight",
    ),
    "transformer with one row for a k weight": (
        "free_form",
        TRANSFORMER,
        edit_weights(put("transformer_blocks.0.attn.to_k.weight", 1, 128)),
        r"of another shape \['transformer_blocks.0.attn.to_k.weight'\]",
    ),
    "transformer a key more": (
        "free_form",
        TRANSFORMER,
        edit_weights(put("image_proj.weight", 4, 4)),
        r"unexpected \['image_proj.weight'\]",
    ),
    "plain SD3": (
        "free_form",
        TRANSFORMER,
        edit_weights(put("pos_embed.proj.weight", 128, 16, 2, 2)),
        "16 input channels.* Copy its weights, as one file, to models/diffusion_models",
    ),
    "CLIP-G of another width": (
        "free_form",
        "text_encoder_2/config.json",
        lambda p: edit_json(p, projection_dim=1280),
        "are 1312 wide, but the model reads 64",
    ),
}
