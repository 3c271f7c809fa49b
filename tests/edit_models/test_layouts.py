"""What a file is, is told by its keys and shapes; everything else is refused by name."""

import pytest

from elect_tino.edit_models.layouts import MMDiTLayout, UNetLayout, recognise


def unet(channels: int = 8, linear: bool = False) -> dict[str, tuple[int, ...]]:
    """Keys that tell a diffusers UNet of two levels, attention on the second."""
    level = "down_blocks.{}.resnets.{}.conv1.weight"
    shapes: dict[str, tuple[int, ...]] = {
        level.format(i, j): (32, 32, 3, 3) for i in range(2) for j in range(2)
    }
    shapes |= {key.replace("down", "up"): shape for key, shape in shapes.items()}
    shapes |= {f"up_blocks.{i}.resnets.2.conv1.weight": (32, 32, 3, 3) for i in range(2)}
    attention = "{}.attentions.{}.transformer_blocks.0.attn2.to_k.weight"
    shapes |= {attention.format("down_blocks.1", j): (32, 24) for j in range(2)}
    shapes |= {attention.format("up_blocks.0", j): (32, 24) for j in range(3)}
    shapes |= {attention.format("mid_block", 0): (32, 24), "conv_in.weight": (32, channels, 3, 3)}
    shapes["mid_block.attentions.0.proj_in.weight"] = (32, 32) if linear else (32, 32, 1, 1)
    return shapes


def diffusers_mmdit(channels: int = 32) -> dict[str, tuple[int, ...]]:
    block = "transformer_blocks.{}.attn.add_q_proj.weight"
    return {
        "pos_embed.proj.weight": (128, channels, 2, 2),
        "pos_embed.pos_embed": (1, 144, 128),
        "context_embedder.weight": (128, 4096),
        "time_text_embed.text_embedder.linear_1.weight": (128, 2048),
        **{block.format(i): (128, 128) for i in range(2)},
    }


def sd3_mmdit(prefix: str = "", channels: int = 32) -> dict[str, tuple[int, ...]]:
    block = "joint_blocks.{}.context_block.attn.qkv.weight"
    shapes = {
        "x_embedder.proj.weight": (128, channels, 2, 2),
        "pos_embed": (1, 144, 128),
        "context_embedder.weight": (128, 4096),
        "y_embedder.mlp.0.weight": (128, 2048),
        **{block.format(i): (384, 128) for i in range(2)},
    }
    return {prefix + key: shape for key, shape in shapes.items()}


def without(shapes: dict[str, tuple[int, ...]], key: str) -> dict[str, tuple[int, ...]]:
    return {k: v for k, v in shapes.items() if k != key}


def test_a_diffusers_unet_with_8_channels_is_told_with_its_blocks():
    assert recognise("f", unet()) == UNetLayout(
        num_res_blocks=(2, 2),
        transformer_depth=(0, 0, 1, 1),
        transformer_depth_middle=1,
        transformer_depth_output=(0, 0, 0, 1, 1, 1),
        context_dim=24,
    )


@pytest.mark.parametrize("channels", [32, 48])
def test_an_sd3_transformer_is_told_in_both_namings(channels):
    prefix = "model.diffusion_model."
    expected = MMDiTLayout(channels, True, 4096, 2048)
    assert recognise("f", diffusers_mmdit(channels)) == expected
    assert recognise("f", sd3_mmdit("", channels)) == MMDiTLayout(channels, False, 4096, 2048)
    found = recognise("f", sd3_mmdit(prefix, channels))
    assert found == MMDiTLayout(channels, False, 4096, 2048, prefix)


def test_a_checkpoint_with_vae_and_text_beside_the_transformer_is_told():
    whole = sd3_mmdit("model.diffusion_model.") | {"first_stage_model.x": (1,)}
    assert isinstance(recognise("f", whole), MMDiTLayout)


LDM = {"input_blocks.0.0.weight": (320, 8, 3, 3)}
REFUSED = {
    "4 channels": (unet(4), "diffusers UNet with 4 input channels. An InstructPix2Pix has 8"),
    "inpainting": (unet(9), "with 9 input channels"),
    "SDXL": (unet() | {"add_embedding.linear_1.weight": (1, 2)}, "SDXL.* Use Load Diffusion Model"),
    "SD 2": (unet(linear=True), "SD 2.x"),
    "no middle": (
        without(unet(), "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"),
        "lacks mid_block.attentions.0",
    ),
    "plain SD3": (diffusers_mmdit(16), "with 16 input channels.* plain SD3. Use Load Checkpoint"),
    "SD3 of 20": (sd3_mmdit("", 20), "with 20 input channels.* has 32 .* or 48"),
    "no positions": (without(diffusers_mmdit(), "pos_embed.pos_embed"), "lacks pos_embed.pos_emb"),
    "no text": (without(sd3_mmdit(), "context_embedder.weight"), "lacks context_embedder.weight"),
    "half the blocks": (
        without(diffusers_mmdit(), "transformer_blocks.1.attn.add_q_proj.weight"),
        "has 1 whole blocks 128 wide",
    ),
    "original keys": (LDM, "8 input channels, which ComfyUI takes itself. Use Load Checkpoint"),
    "a whole checkpoint": (
        {f"model.diffusion_model.{key}": shape for key, shape in LDM.items()},
        "Use Load Checkpoint",
    ),
    "a LoRA": ({"lora_unet_x.lora_up.weight": (4, 4)}, "another architecture .*lora_unet_x"),
    "nothing": ({}, "no tensor at all"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_by_the_files_name(case):
    shapes, message = REFUSED[case]
    with pytest.raises(ValueError, match=rf"^name: file\.bin .*{message}"):
        recognise("file.bin", shapes)


STOCK = {
    "SDXL": unet() | {"add_embedding.linear_1.weight": (1, 2)},
    "plain SD3": diffusers_mmdit(16),
    "plain SD3 in its own keys": sd3_mmdit("", 16),
    "original keys": LDM,
}


@pytest.mark.parametrize("case", STOCK)
def test_a_folder_is_no_place_for_comfyuis_loaders_a_file_is(case):
    copy = "Copy its weights, as one file, to models/diffusion_models .*use Load Diffusion Model"
    with pytest.raises(ValueError, match=rf"^name: mine.unet .*{copy}"):
        recognise("mine/unet", STOCK[case], in_folder=True)
    with pytest.raises(ValueError, match=r"Use Load (Checkpoint|Diffusion)") as refused:
        recognise("f.bin", STOCK[case])
    assert "Copy" not in str(refused.value)
