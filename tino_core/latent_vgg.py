"""LatentVGG: VGG-16's outputs straight from a latent (TiNO-Edit, section 4.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Conv2d, Linear

from .weights import load_into, read_weights, save_weights

VGG16: dict[str, Any] = {"num_channels": 4, "num_classes": 1000}
"""torchvision's VGG-16 with a first convolution for latents."""

SMALLER = ("layers", "pool", "hidden", "dropout")
"""Keys that make a smaller network, all or none of them: widths of the convolutions with "M" for a
max-pooling, side of the pooled map, width of the two hidden layers, their dropout."""


class LatentVGG(nn.Module):
    """VGG-16 that takes latents; the loss compares its outputs, as the authors' code does.

    config: as VGG16, with the keys of SMALLER another size; a model of pictures has "image_size"
    too, the side it wants them resized to
    latent_space: the VAE it was trained on, None where its file does not say
    """

    def __init__(self, config: dict[str, Any] | None = None, latent_space: str | None = None):
        super().__init__()
        self.config: dict[str, Any] = dict(config or VGG16)
        self.latent_space = latent_space
        build = _smaller if set(SMALLER) <= self.config.keys() else _vgg16
        self.network: Any = build(**{k: v for k, v in self.config.items() if k != "image_size"})

    def forward(self, latent: Tensor) -> Tensor:
        """Outputs (B, D) of latents (B, C, h, w) in the model's scale."""
        return self.network(latent.to(next(self.network.parameters()).dtype))

    def save(
        self,
        path: str | Path,
        dtype: torch.dtype | None = None,
        notes: dict[str, str] | None = None,
    ) -> None:
        """Write safetensors with the metadata that `load_latent_vgg` reads.

        dtype: to store the weights in, None as they are; notes: more metadata
        """
        assert self.latent_space is not None
        save_weights(path, self.network.state_dict(), self.latent_space, self.config, dtype, notes)


def _vgg16(num_channels: int, num_classes: int) -> nn.Module:
    from torchvision.models import vgg16

    network = vgg16(weights=None, num_classes=num_classes)
    network.features.register_module("0", Conv2d(num_channels, 64, 3, padding=1))
    return network


def _smaller(
    num_channels: int, num_classes: int, layers: Any, pool: int, hidden: int, dropout: float
):
    """torchvision's VGG with its layers named alike, in other sizes."""
    from torchvision.models.vgg import VGG, make_layers

    with torch.device("meta"):  # its own classifier, of 120 million weights, is replaced
        network = VGG(nn.Identity(), num_classes, init_weights=False)
    network.features = make_layers(layers)
    first = network.features[0]
    assert isinstance(first, Conv2d)
    network.features[0] = Conv2d(num_channels, first.out_channels, 3, padding=1)
    network.avgpool = nn.AdaptiveAvgPool2d(pool)
    width = [part for part in layers if part != "M"][-1] * pool * pool
    network.classifier = nn.Sequential(
        Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout),
        Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
        Linear(hidden, num_classes),
    )  # fmt: skip
    for module in network.modules():
        if isinstance(module, Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def load_latent_vgg(path: str | Path) -> LatentVGG:
    """Our safetensors, or a state dict with torchvision's key names (the authors' files).

    Raises ValueError naming the file when it cannot be read or is of another architecture.
    """
    path = Path(path)
    file = read_weights(path)
    state_dict = {k.removeprefix("module."): v for k, v in file.state_dict.items()}
    config = file.config
    if not config and {"features.0.weight", "classifier.6.bias"} <= state_dict.keys():
        config = {
            "num_channels": state_dict["features.0.weight"].shape[1],
            "num_classes": len(state_dict["classifier.6.bias"]),
        }
    model = LatentVGG(config, file.latent_space).eval()
    load_into(model.network, state_dict, path.name)
    return model
