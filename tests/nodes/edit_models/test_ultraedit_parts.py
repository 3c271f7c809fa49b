"""UltraEdit's parts against transformers and diffusers: texts, latent format, LoRA keys."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.testing import assert_close

from .conftest import PROMPT
from .test_ultraedit import SCALE, single_file

pytestmark = pytest.mark.comfy


@torch.no_grad()
def test_text_features_are_those_of_transformers(free_form, loaded, encode):
    clip = loaded(free_form.name)[1]
    (features, extra), *_ = encode(clip, PROMPT)
    tokens = clip.tokenize(PROMPT)
    parts = []
    for key, encoder in (("l", "text_encoder"), ("g", "text_encoder_2")):
        ids = torch.tensor([[token for token, _ in tokens[key][0]]])
        module = getattr(free_form.modules, encoder)
        parts.append(module(ids, output_hidden_states=True))
    width = sum(part.hidden_states[-2].shape[-1] for part in parts)
    expected = torch.cat([part.hidden_states[-2] for part in parts], -1)
    assert_close(features[..., :width], expected, rtol=0, atol=1e-4)
    assert not features[..., width:].any()
    pooled = torch.cat([part.text_embeds for part in parts], -1)
    assert_close(extra["pooled_output"], pooled, rtol=0, atol=1e-4)


def test_t5_as_transformers_saves_it_is_t5_as_comfyui_names_it(tmp_path):
    """Keys and shapes alone: its one size is 9 GB."""
    import json

    import comfy.ops
    import comfy.text_encoders.sd3_clip
    import comfy.text_encoders.t5

    from elect_tino.nodes.host.edit_models.diffusers_folder import text_state

    transformers: Any = pytest.importorskip("transformers")
    path = Path(str(comfy.text_encoders.sd3_clip.__file__)).parent / "t5_config_xxl.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    small = {"d_ff": 8, "d_model": 16, "num_layers": 2, "vocab_size": 9}
    with torch.device("meta"):
        saved = transformers.T5EncoderModel(transformers.T5Config(**{**config, **small}))
    zeros = {key: torch.zeros(tensor.shape) for key, tensor in saved.state_dict().items()}
    save_file(zeros, tmp_path / "model.safetensors")
    host = comfy.text_encoders.t5.T5({**config, **small}, None, "meta", comfy.ops.manual_cast)
    found = {key: tensor.shape for key, tensor in text_state(tmp_path).items()}
    assert found == {key: tensor.shape for key, tensor in host.state_dict().items()}


def test_the_latent_format_scales_without_the_shift(free_form, loaded):
    latent = SimpleNamespace(x=torch.randn(1, 16, 2, 2))
    model = loaded(free_form.name)[0].model
    assert_close(model.process_latent_in(latent.x), latent.x * SCALE)
    assert_close(model.process_latent_out(model.process_latent_in(latent.x)), latent.x)


def lora(key: str, out: int, into: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        f"{key}.lora_A.weight": torch.randn(2, into, generator=generator),
        f"{key}.lora_B.weight": torch.randn(out, 2, generator=generator),
    }


def test_a_lora_in_diffusers_keys_changes_the_right_weights(free_form, load):
    import comfy.sd

    weights = lora("transformer.transformer_blocks.0.attn.to_k", 128, 128)
    model = load(single_file(free_form, ""))[0]
    patched, _ = comfy.sd.load_lora_for_models(model, None, dict(weights), 1.0, 0.0)
    patched.patch_model()
    key = "diffusion_model.joint_blocks.0.x_block.attn.qkv.weight"
    delta = patched.model.state_dict()[key] - patched.backup[key].weight
    down, up = weights.values()
    assert_close(delta[128:256], up @ down, rtol=1e-4, atol=1e-5)
    assert not delta[:128].any()
    assert not delta[256:].any()
