"""The learned columns computed apart from the code under test: transformers, torchvision."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from PIL import Image
from torch import Tensor
from torch.nn import functional

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHIFT = torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)
SCALE = torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1)
"""LPIPS' own normalisation of pictures in [-1, 1]."""


@torch.no_grad()
def clip_vectors(folder: Path, caption: str, *pictures: ndarray) -> tuple[Tensor, Tensor]:
    """The model's own embeddings: of the pictures (N, D), and of the caption (1, D)."""
    from transformers import AutoTokenizer, CLIPImageProcessor, CLIPModel

    words: Any = AutoTokenizer.from_pretrained(folder)(caption, return_tensors="pt")
    words = {name: words[name][:, :77] for name in ("input_ids", "attention_mask")}
    pixels: Any = CLIPImageProcessor.from_pretrained(folder)(list(pictures), return_tensors="pt")
    model: Any = CLIPModel.from_pretrained(folder)
    told = model.eval()(**words, pixel_values=pixels["pixel_values"])
    return told.image_embeds, told.text_embeds


def cosine(one: Tensor, other: Tensor) -> float:
    return float(functional.cosine_similarity(one, other, dim=-1))


@torch.no_grad()
def structure(folder: Path, source: ndarray, result: ndarray) -> float:
    """x 10^3: the keys of the second and last layer by hand, their cosines compared."""
    from torchvision.transforms import Compose, Normalize, Resize
    from transformers import ViTModel

    model: Any = ViTModel.from_pretrained(folder, add_pooling_layer=False)
    prepare = Compose([Resize(224, max_size=480), Normalize(MEAN, STD)])
    tensors = model.eval().state_dict()
    name = next(n for n in tensors if "1" in n and n.endswith(("key.weight", "k_proj.weight")))
    norm = name.split(".attention.")[0] + ".layernorm_before."

    def similar(picture: ndarray) -> Tensor:
        pixels = prepare(torch.from_numpy(picture.copy()).movedim(2, 0).float())[None]
        told = model(pixels, output_hidden_states=True).hidden_states
        normed = functional.layer_norm(
            told[-2], (32,), tensors[norm + "weight"], tensors[norm + "bias"], 1e-12
        )
        keys = (normed @ tensors[name].T + tensors[name.replace("weight", "bias")])[0]
        lengths = keys.norm(dim=1)
        return keys @ keys.T / (lengths[:, None] * lengths[None])

    return 1e3 * float(((similar(source) - similar(result)) ** 2).mean())


@torch.no_grad()
def dino(folder: Path, one: ndarray, other: ndarray) -> float:
    """Cosine of the class tokens of the middles of two pictures."""
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize
    from transformers import ViTModel

    model: Any = ViTModel.from_pretrained(folder, add_pooling_layer=False)
    prepare = Compose([Resize(256, InterpolationMode.BICUBIC), CenterCrop(224)])
    tokens = []
    for picture in (one, other):
        pixels = np.asarray(prepare(Image.fromarray(picture))) / 255
        normal = torch.from_numpy((pixels - MEAN) / STD).float().movedim(2, 0)[None]
        tokens.append(model.eval()(normal).last_hidden_state[0, 0])
    return cosine(*tokens)


@torch.no_grad()
def lpips(weights: Path, source: ndarray, result: ndarray, mask: ndarray) -> float:
    """x 10^3: SqueezeNet's layers by hand, torchmetrics' heads."""
    from torchmetrics.functional.image.lpips import _LPIPS
    from torchvision.models import squeezenet1_1

    net = squeezenet1_1(weights=None)
    net.load_state_dict(torch.load(weights))
    heads: Any = _LPIPS(net="squeeze", pnet_rand=True).lins
    keep = 1 - mask[..., None]
    one, other = (
        (torch.from_numpy(p / 255 * keep).movedim(2, 0)[None].float() * 2 - 1 - SHIFT) / SCALE
        for p in (source, result)
    )
    total, place = 0.0, 0
    for number, layer in enumerate(net.features):
        one, other = layer(one), layer(other)
        if number in (1, 4, 7, 9, 10, 11, 12):
            apart = (functional.normalize(one) - functional.normalize(other)) ** 2
            total += float(heads[place](apart).mean())
            place += 1
    return 1e3 * total
