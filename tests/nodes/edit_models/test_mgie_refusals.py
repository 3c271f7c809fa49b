"""What MGIE's nodes refuse: spoilt files, wrong sizes, inputs that cannot be."""

import json
from typing import Any

import pytest
import torch

from .damaged_mgie import SPOILT, json_of
from .mgie_files import VISION, write_json
from .test_mgie import IMPOSSIBLE, conditioning, embeddings, files, image, load, mgie, root

__all__ = ["files", "image", "mgie", "root"]

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_files_are_named(root, files, case):
    damage, message = SPOILT[case]
    files.write(root)
    damage(files, root)
    with pytest.raises(ValueError, match=message):
        load()


def test_an_mllm_of_a_wider_language_model_is_refused(root, files):
    files.write(root)
    json_of("llava/config.json", hidden_size=64)(files, root)
    with pytest.raises(ValueError, match="mllm.pt has 'emb' of .*expected .*as llava is 64 wide"):
        load()


def test_a_vision_tower_of_another_width_is_refused(root, files):
    from transformers import CLIPVisionConfig, CLIPVisionModel

    wider: dict[str, Any] = VISION | {"hidden_size": 32}
    files.write(root)
    CLIPVisionModel(CLIPVisionConfig(**wider)).save_pretrained(root / "clip")
    with pytest.raises(ValueError, match="vision_tower: clip is 32 wide, llava looks .* of 24"):
        load()


def test_a_bare_llamas_tokenizer_is_refused(root, files):
    from .mgie_files import tokenizer

    files.write(root)
    bare = json.loads(tokenizer().to_str())
    bare["added_tokens"] = [one for one in bare["added_tokens"] if "im_" not in one["content"]]
    write_json(root / "llava" / "tokenizer.json", bare)
    with pytest.raises(ValueError, match="llava: the tokenizer of llava lacks <im_patch>"):
        load()


@pytest.mark.parametrize("name", ["../mgie/llava", "/etc", "none"])
def test_only_folders_of_its_own_are_read(root, files, name):
    files.write(root)
    with pytest.raises(ValueError, match="llava: there is no folder"):
        load(llava=name)


@pytest.mark.parametrize("case", IMPOSSIBLE)
@pytest.mark.usefixtures("root")
def test_inputs_that_cannot_be_are_named(mgie, image, case):
    given, message = IMPOSSIBLE[case]
    with pytest.raises(ValueError, match=message):
        conditioning(mgie, **{"image": image, **given})


def test_embeddings_of_another_kind_are_refused(root):
    from safetensors.torch import save_file

    folder = root.parent / "mgie_embeddings"
    with pytest.raises(ValueError, match="name: sky.safetensors is not in models/mgie_embeddings"):
        embeddings("sky.safetensors")
    save_file({"clip_l": torch.zeros(2, 768)}, folder / "word.safetensors")
    with pytest.raises(ValueError, match="name: word.safetensors holds .*clip_l.*MGIEConditioning"):
        embeddings("word.safetensors")
    tensors = {"positive": torch.zeros(1, 77, 768), "null": torch.zeros(1, 77, 512)}
    save_file(tensors, folder / "odd.safetensors", {"format": "mgie embeddings 1"})
    with pytest.raises(ValueError, match="name: odd.safetensors holds .*512.*of one shape"):
        embeddings("odd.safetensors")
    (folder / "cut.safetensors").write_bytes((folder / "odd.safetensors").read_bytes()[:99])
    with pytest.raises(ValueError, match="name: cut.safetensors is no whole safetensors file"):
        embeddings("cut.safetensors")
