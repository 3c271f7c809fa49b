"""Columns by models, small ones with random weights, against independent computations."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from elect_tino.evaluation import world
from elect_tino.evaluation.columns import MADE, of_weights

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def sample():
    return next(iter(world.read(1)))


@pytest.fixture(scope="module")
def result(sample):
    return np.clip(sample.source.astype(int) + 25, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Small models of the real classes, stored as their Hub copies are."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        PreTrainedTokenizerFast,
        ViTConfig,
        ViTModel,
    )

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    small: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
    vit = ViTModel(ViTConfig(**small, num_hidden_layers=2, image_size=224, patch_size=32))
    for name in ("dino-vitb8", "dino-vits16"):
        vit.save_pretrained(folder / name)
    words = {"[UNK]": 0, "<bos>": 1, "<eos>": 2, **{w: i for i, w in enumerate("abcdefgh", 3)}}
    tokenizer = Tokenizer(models.WordLevel(words, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    text = {**small, "num_hidden_layers": 2, "vocab_size": 11, "bos_token_id": 1}
    text |= {"eos_token_id": 2, "pad_token_id": 2}
    seen = {**small, "num_hidden_layers": 2, "image_size": 224, "patch_size": 32}
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=seen, projection_dim=16))
    for name in ("clip-vit-large-patch14", "clip-vit-base-patch32"):
        clip.save_pretrained(folder / name)
        CLIPImageProcessor().save_pretrained(folder / name)
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
        fast.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="module")
def columns(weights):
    return of_weights(weights)[0]


def test_what_is_absent_is_said_and_left_out(tmp_path):
    columns, said = of_weights(tmp_path)
    assert columns == {}
    assert len(said) == len(MADE)
    assert any("LPIPS: left out, no squeezenet" in line for line in said)
    assert of_weights(None)[1] == said


def test_clip_agrees_with_the_models_own_scores(sample, result, weights, columns):
    from transformers import AutoTokenizer, CLIPImageProcessor, CLIPModel

    folder = weights / "clip-vit-base-patch32"
    model = CLIPModel.from_pretrained(folder).eval()
    words = AutoTokenizer.from_pretrained(folder)(sample.target_caption, return_tensors="pt")
    pair = CLIPImageProcessor.from_pretrained(folder)([result, sample.target], return_tensors="pt")
    words = {name: words[name][:, :77] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        told = model(**words, pixel_values=pair["pixel_values"])
    similar = functional.cosine_similarity(told.image_embeds[0], told.text_embeds[0], dim=0)
    assert columns["CLIP-T"](sample, result) == pytest.approx(float(similar), abs=1e-5)
    expected = functional.cosine_similarity(*told.image_embeds, dim=0)
    assert columns["CLIP-I"](sample, result) == pytest.approx(float(expected), abs=1e-5)
    assert columns["CLIP whole"](sample, result) == pytest.approx(
        100 * max(float(similar), 0), abs=1e-3
    )


def test_the_edited_part_is_seen_black_outside_the_mask(sample, result, columns):
    black = result * sample.mask[..., None]
    seen = columns["CLIP edited"](sample, result)
    assert seen == columns["CLIP whole"](sample, black)


def test_structure_distance_agrees_with_keys_computed_by_hand(sample, result, weights, columns):
    from torchvision.transforms import Compose, Normalize, Resize
    from transformers import ViTModel

    model = ViTModel.from_pretrained(weights / "dino-vitb8", add_pooling_layer=False).eval()
    prepare = Compose([Resize(224, max_size=480), Normalize(MEAN, STD)])

    def similar(picture):
        pixels = prepare(torch.from_numpy(picture).movedim(2, 0).float())[None]
        with torch.no_grad():
            told = model(pixels, output_hidden_states=True).hidden_states
            layer = model.state_dict()
            name = next(
                n for n in layer if "1" in n and n.endswith(("key.weight", "k_proj.weight"))
            )
            norm = name.split(".attention.")[0] + ".layernorm_before."
            normed = functional.layer_norm(
                told[-2], (32,), layer[norm + "weight"], layer[norm + "bias"], 1e-12
            )
            keys = normed @ layer[name].T + layer[name.replace("weight", "bias")]
        return cosines(keys[0])

    def cosines(keys):
        lengths = keys.norm(dim=1)
        return keys @ keys.T / (lengths[:, None] * lengths[None])

    expected = 1e3 * float(((similar(sample.source) - similar(result)) ** 2).mean())
    found = columns["structure x10^3"](sample, result)
    assert found == pytest.approx(expected, rel=1e-3)
    assert columns["structure x10^3"](sample, sample.source) == 0


def test_dino_of_the_target_itself_is_one(sample, result, columns):
    assert columns["DINO"](sample, sample.target) == pytest.approx(1, abs=1e-5)
    assert columns["DINO"](sample, result) < 1


def test_lpips_agrees_with_torchmetrics_and_is_nothing_where_nothing_changed(
    sample, result, tmp_path
):
    torchmetrics = pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    net = squeezenet1_1(weights=None)
    torch.save(net.state_dict(), tmp_path / "squeezenet1_1-b8a52dc0.pth")
    found, _ = of_weights(tmp_path)
    lpips = found["LPIPS x10^3"]
    assert lpips(sample, sample.source) == 0
    heads = torchmetrics.functional.image.lpips._LPIPS(net="squeeze", pnet_rand=True)
    keep = 1 - sample.mask[..., None]
    one, other = (
        (torch.from_numpy(p / 255 * keep).movedim(2, 0)[None].float() * 2 - 1 - SHIFT) / SCALE
        for p in (sample.source, result)
    )
    total, place = 0.0, 0
    for number, layer in enumerate(net.features):
        one, other = layer(one), layer(other)
        if number in (1, 4, 7, 9, 10, 11, 12):
            apart = (functional.normalize(one) - functional.normalize(other)) ** 2
            total += float(heads.lins[place](apart).detach().mean())
            place += 1
    assert lpips(sample, result) == pytest.approx(1e3 * total, rel=1e-3)


SHIFT = torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)
SCALE = torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1)


def test_without_caption_target_or_mask_there_is_no_number(sample, result, columns):
    from dataclasses import replace

    bare = replace(sample, target=None, target_caption="", mask=None)
    for name in ("CLIP whole", "CLIP edited", "CLIP-I", "CLIP-T", "DINO"):
        assert math.isnan(columns[name](bare, result))
