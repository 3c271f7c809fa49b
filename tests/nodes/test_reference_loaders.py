"""ComfyUI's own loaders recognise the files of today's editing models, and we their MODELs.

The files are described at full size by names and shapes alone (meta tensors): FLUX.1 Kontext would
be 24 GB. Recognition reads nothing else.
"""

import pytest
import torch

from .reference_families import FAMILIES
from .reference_models import COSXL, FLUX, FLUX2, HIDREAM, OMNIGEN2, QWEN, completed

pytestmark = pytest.mark.comfy

KONTEXT = {
    **FLUX,
    "hidden_size": 3072,
    "num_heads": 24,
    "axes_dim": [16, 56, 56],
    "depth": 19,
    "depth_single_blocks": 38,
    "vec_in_dim": 768,
    "context_in_dim": 4096,
}
FULL = {
    "flux_kontext": KONTEXT,
    "flux2": {
        **FLUX2,
        "hidden_size": 6144,
        "num_heads": 48,
        "axes_dim": [32, 32, 32, 32],
        "depth": 8,
        "depth_single_blocks": 48,
        "context_in_dim": 15360,
    },
    "qwen_image_edit": {
        **QWEN,
        "num_layers": 60,
        "num_attention_heads": 24,
        "attention_head_dim": 128,
        "joint_attention_dim": 3584,
        "axes_dims_rope": (16, 56, 56),
    },
    "omnigen2": {
        **OMNIGEN2,
        "hidden_size": 2520,
        "num_layers": 32,
        "num_refiner_layers": 2,
        "num_attention_heads": 21,
        "num_kv_heads": 7,
        "multiple_of": 256,
        "axes_dim_rope": [40, 40, 40],
        "axes_lens": [1024, 1664, 1664],
        "text_feat_dim": 2048,
    },
    "hidream_e1": {
        **HIDREAM,
        "num_layers": 16,
        "num_single_layers": 32,
        "num_attention_heads": 20,
        "attention_head_dim": 128,
        "axes_dims_rope": [64, 32, 32],
        "caption_channels": [4096, 4096],
        "llama_layers": [*range(32), *[31] * 16],
        "text_emb_dim": 2048,
    },
    "cosxl_edit": {
        **COSXL,
        "model_channels": 320,
        "num_res_blocks": [2, 2, 2],
        "channel_mult": [1, 2, 4],
        "transformer_depth": [0, 0, 2, 2, 10, 10],
        "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
        "transformer_depth_middle": 10,
        "context_dim": 2048,
        "adm_in_channels": 2816,
        "num_heads": -1,
        "num_head_channels": 64,
    },
}
# What ComfyUI's loader reads off the file; the rest it knows from the layout.
COUNTED = {
    "flux_kontext": ("in_channels", "hidden_size", "depth", "depth_single_blocks", "vec_in_dim"),
    "flux2": ("in_channels", "hidden_size", "depth", "depth_single_blocks", "context_in_dim"),
    "qwen_image_edit": ("in_channels", "num_layers"),
    "omnigen2": ("hidden_size", "num_layers"),
    "hidream_e1": ("num_layers", "num_single_layers"),
    "cosxl_edit": ("in_channels", "model_channels", "context_dim", "adm_in_channels"),
}


def network(name: str) -> torch.nn.Module:
    """The family's network at full size, of names and shapes alone."""
    import comfy.ldm.flux.model
    import comfy.ldm.hidream.model
    import comfy.ldm.modules.diffusionmodules.openaimodel
    import comfy.ldm.omnigen.omnigen2
    import comfy.ldm.qwen_image.model
    import comfy.ops

    kind = {
        "flux_kontext": comfy.ldm.flux.model.Flux,
        "flux2": comfy.ldm.flux.model.Flux,
        "qwen_image_edit": comfy.ldm.qwen_image.model.QwenImageTransformer2DModel,
        "omnigen2": comfy.ldm.omnigen.omnigen2.OmniGen2Transformer2DModel,
        "hidream_e1": comfy.ldm.hidream.model.HiDreamImageTransformer2DModel,
        "cosxl_edit": comfy.ldm.modules.diffusionmodules.openaimodel.UNetModel,
    }[name]
    with torch.device("meta"):
        return kind(**completed(FULL[name]), operations=comfy.ops.disable_weight_init)


@pytest.mark.parametrize("name", FULL)
def test_the_stock_loader_takes_the_file_for_what_it_is(name, tmp_path):
    import comfy.model_detection

    from elect_tino.nodes.host.edit_models.families import detect_family

    layout = network(name).state_dict()
    config = comfy.model_detection.model_config_from_unet(dict(layout), "")
    assert {key: config.unet_config[key] for key in COUNTED[name]} == {
        key: FULL[name][key] for key in COUNTED[name]
    }
    small = FAMILIES[name].load(tmp_path)
    assert type(small.model.model_config) is type(config)
    assert detect_family(small) == name
