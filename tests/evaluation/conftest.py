"""Small models with random weights, of the classes that the columns are of."""

from pathlib import Path
from typing import Any

import pytest
import torch

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
}
SEEN = {**SMALL, "image_size": 224, "patch_size": 32}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model for each learned column, stored as its Hub copy is."""
    from torchvision.models import squeezenet1_1
    from transformers import ViTConfig, ViTModel

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    vit = ViTModel(ViTConfig(**SEEN))
    for name in ("dino-vitb8", "dino-vits16"):
        vit.save_pretrained(folder / name)
    for name in ("clip-vit-large-patch14", "clip-vit-base-patch32"):
        save_clip(folder / name)
    torch.save(squeezenet1_1(weights=None).state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
    return folder


def save_clip(folder: Path) -> None:
    """A CLIP of two layers that reads eight letters."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast

    words = {"[UNK]": 0, "<bos>": 1, "<eos>": 2, **{w: i for i, w in enumerate("abcdefgh", 3)}}
    tokenizer = Tokenizer(models.WordLevel(words, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    text = {**SMALL, "vocab_size": len(words), **ends}
    CLIPModel(CLIPConfig(text_config=text, vision_config=SEEN, projection_dim=16)).save_pretrained(
        folder
    )
    CLIPImageProcessor().save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    fast.save_pretrained(folder)
