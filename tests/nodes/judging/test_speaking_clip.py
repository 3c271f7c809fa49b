"""A small Qwen3-VL with random weights as a CLIP of the host, where the host's CLIP writes."""

import importlib
import importlib.util
from typing import Any

import numpy as np
import pytest

from elect_tino.judging.question import Question

pytestmark = [pytest.mark.comfy, pytest.mark.host_smoke]

RED = np.zeros((64, 64, 3), np.uint8)
RED[..., 0] = 255
BLUE = RED[..., ::-1].copy()


@pytest.fixture(scope="module")
def clip():
    import comfy.sd

    if importlib.util.find_spec("comfy.text_encoders.qwen3vl") is None:
        pytest.skip("this ComfyUI has no Qwen3-VL")
    import comfy.supported_models_base
    import torch
    from comfy.text_encoders import llama

    qwen3vl: Any = importlib.import_module("comfy.text_encoders.qwen3vl")
    config: Any = vars(llama)["Qwen3VL_4BConfig"]

    kind = "qwen3vl_4b"

    def small(**given):
        sizes = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 4}
        return config(num_attention_heads=2, num_key_value_heads=1, **sizes)

    vision = dict(qwen3vl.QWEN3VL_VISION[kind])
    shallow: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 64, "depth": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(qwen3vl.QWEN3VL_CONFIGS, kind, small)
        shallow["deepstack_visual_indexes"] = [0, 1, 2]
        patch.setitem(qwen3vl.QWEN3VL_VISION, kind, {**vision, **shallow})
        patch.setitem(qwen3vl.QWEN3VL_VISION_COMMON, "num_heads", 2)
        target = comfy.supported_models_base.ClipTarget(
            qwen3vl.tokenizer(kind), qwen3vl.te(model_type=kind)
        )
        made = comfy.sd.CLIP(target, model_options={"dtype": torch.float32})
    generator = torch.Generator().manual_seed(0)
    for name, weight in made.cond_stage_model.named_parameters():
        scale = 1.0 if "norm" in name else 0.05
        weight.data = torch.randn(weight.shape, generator=generator) * scale
    return made


def speaking(clip):
    from elect_tino.nodes.host.judging.speaking_clip import SpeakingClip

    return SpeakingClip(clip)


def test_it_tells_several_pictures_apart_and_writes(clip):
    model = speaking(clip)
    assert model.num_pictures > 1
    assert isinstance(model.ask(Question("Which is red?", (RED, BLUE), max_tokens=4)), str)


def test_p_yes_is_that_of_the_next_word_and_depends_on_the_pictures(clip):
    import torch

    model = speaking(clip)
    logits = [
        model._first_logits(model._tokens(Question("Is it red?", (picture,))))
        for picture in (RED, BLUE)
    ]
    assert not torch.allclose(*logits)
    yes, no = (model._ids(words) for words in ((" yes", "Yes"), (" no", "No")))
    assert len(yes) == len(no) == 2
    assert "logits" not in vars(clip.cond_stage_model.qwen3vl_4b.transformer)


def test_the_likeliest_word_is_what_it_writes_first(clip):
    model = speaking(clip)
    tokens = model._tokens(Question("Is it red?", (RED,)))
    (first,) = clip.generate(tokens, do_sample=False, max_length=1)
    assert int(model._first_logits(tokens).argmax()) == first
