"""A small vision-language model of a real architecture, with random weights, in a folder."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from elect_tino.judging.question import Question

pytestmark = pytest.mark.comfy

PICTURE = np.full((56, 84, 3), 128, np.uint8)
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_small_vlm(folder: Path) -> Path:
    """Qwen2.5-VL at two layers of width 32, with ComfyUI's copy of its tokenizer."""
    import comfy.text_encoders
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2Tokenizer,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    words = Path(comfy.text_encoders.__path__[0], "qwen25_tokenizer")
    tokenizer = Qwen2Tokenizer.from_pretrained(words)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    text = {
        **sizes,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
        "rope_scaling": {"type": "default", "rope_type": "default", "mrope_section": [1, 1, 2]},
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    tokens = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{mark}|>")
        for name, mark in (
            ("image", "image_pad"),
            ("video", "video_pad"),
            ("vision_start", "vision_start"),
            ("vision_end", "vision_end"),
        )
    }
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **tokens)
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.save_pretrained(folder)
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=112 * 112),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=CHAT,
    )
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_small_vlm(tmp_path_factory.mktemp("llm") / "small-vlm")


@pytest.fixture
def vlm(folder):
    import torch

    from elect_tino.nodes.host.judging.local_vlm import load

    with torch.inference_mode():  # as ComfyUI runs nodes
        return load(folder)


def test_it_answers_about_two_pictures_the_same_each_time(vlm):
    question = Question("Which is red?", (PICTURE, PICTURE // 2), max_tokens=8)
    first = vlm.ask(question)
    assert isinstance(first, str)
    assert vlm.ask(question) == first


def test_yes_is_a_probability_and_the_pictures_matter(vlm):
    chances = [
        vlm.yes(Question("Is it red?", (picture,))) for picture in (PICTURE, np.zeros_like(PICTURE))
    ]
    assert all(0 < chance < 1 for chance in chances)
    assert not math.isclose(*chances, rel_tol=1e-6)


def test_it_is_under_comfyuis_management(vlm):
    import comfy.model_management as management

    vlm.ask(Question("?", (PICTURE,), max_tokens=1))
    assert any(loaded.model is vlm.patcher for loaded in management.current_loaded_models)


def test_other_weights_and_other_models_are_refused_by_name(folder, tmp_path):
    from elect_tino.nodes.host.judging.local_vlm import load

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"^name: the folder .* holds no \.safetensors"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="^name: transformers cannot load"):
        load(tmp_path)


def test_code_in_a_folder_is_not_run(folder, tmp_path):
    import shutil

    from elect_tino.nodes.host.judging.local_vlm import load

    spoiled = shutil.copytree(folder, tmp_path / "spoiled")
    proof = tmp_path / "ran"
    code = f"open({str(proof)!r}, 'w').close()\nclass M: pass\n"
    (spoiled / "own.py").write_text(code)
    config = json.loads((spoiled / "config.json").read_text())
    config["model_type"] = "never_heard_of"
    config["auto_map"] = {"AutoConfig": "own.M", "AutoModelForImageTextToText": "own.M"}
    (spoiled / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="^name: transformers cannot load"):
        load(spoiled)
    assert not proof.exists()
