"""InstructPix2Pix in Stable Diffusion's own size: what ComfyUI's loaders take, and its memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytestmark = pytest.mark.comfy

# From the configuration that CompVis published with Stable Diffusion 1, but for the 8 channels.
PUBLISHED = {
    "image_size": 32,
    "in_channels": 8,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "num_heads": 8,
    "use_spatial_transformer": True,
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    "transformer_depth_middle": 1,
    "context_dim": 768,
    "legacy": False,
}


def zeros(module: torch.nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """A state dict of one stored zero each: the shapes of the real one, and no memory."""
    zero = torch.zeros((), dtype=torch.float16)
    return {prefix + key: zero.expand(value.shape) for key, value in module.state_dict().items()}


@pytest.fixture(scope="module")
def original() -> torch.nn.Module:
    """The UNet in the keys of its single file, on no device."""
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    return UNetModel(**PUBLISHED, device="meta", operations=comfy.ops.disable_weight_init)


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_stock_loaders_take_the_single_file(prefix, original):
    """Load Diffusion Model, with a bare UNet's keys or a checkpoint's."""
    import comfy.model_base
    import comfy.sd

    options = {"dtype": torch.float8_e4m3fn}  # a quarter of the memory
    model = comfy.sd.load_diffusion_model_state_dict(zeros(original, prefix), options).model
    assert type(model) is comfy.model_base.SD15_instructpix2pix
    assert model.diffusion_model.input_blocks[0][0].weight.shape == (320, 8, 3, 3)
    assert not any(bool(p.any()) for p in model.diffusion_model.out.float().parameters())


def test_load_checkpoint_takes_the_single_file(original):
    """By the configuration it picks; Load Checkpoint reads the same keys as above."""
    import comfy.supported_models
    from comfy.model_detection import model_config_from_unet, unet_prefix_from_state_dict

    state = zeros(original, "model.diffusion_model.")
    config = model_config_from_unet(state, unet_prefix_from_state_dict(state))
    assert type(config) is comfy.supported_models.SD15_instructpix2pix


def diffusers_unet() -> Any:
    diffusers: Any = pytest.importorskip("diffusers")
    return diffusers.UNet2DConditionModel(in_channels=8, cross_attention_dim=768)


def test_stock_loaders_do_not_take_the_diffusers_form():
    """Else EditModelLoader would not be needed for it."""
    from comfy.model_detection import convert_diffusers_mmdit, model_config_from_diffusers_unet

    with torch.device("meta"):
        state = zeros(diffusers_unet())
    assert convert_diffusers_mmdit(dict(state), "") is None
    assert model_config_from_diffusers_unet(state) is None


@pytest.fixture(scope="module")
def full_size_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusers UNet of 860 million random weights, 3.4 GB in float32."""
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("full") / "unet.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(diffusers_unet().state_dict(), path)
    return path


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("weight_dtype", ["fp32", "bf16"])
def test_full_size_runs_in_the_memory_that_is_predicted(weight_dtype, full_size_file, capsys):
    """Four candidates of 256x256 pixels: below 12 GB, as predicted, and no NaN."""
    module = "elect_tino.tests.nodes.edit_models.full_size_run"
    command = [sys.executable, "-m", module, str(full_size_file), weight_dtype]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{weight_dtype}: {found}")
    assert found["parameters"] == 859_532_484
    assert found["finite"]
    assert found["spread"] > 0.01
    assert found["loading"] < 1.05 * found["loading predicted"]
    assert found["sampling"] < 1.1 * found["sampling predicted"]
    assert found["peak"] < 12
