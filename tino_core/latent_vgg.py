"""LatentVGG: VGG-16's outputs straight from a latent (TiNO-Edit, section 4.2)."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from .weights import load_into, read_weights, save_weights

VGG16 = {"num_channels": 4, "num_classes": 1000}
"""torchvision's VGG-16 with a first convolution for latents."""


class LatentVGG(nn.Module):
    """VGG-16 that takes latents; the loss compares its outputs, as the authors' code does.

    latent_space: the VAE it was trained on, None where its file does not say
    """

    def __init__(self, config: dict | None = None, latent_space: str | None = None):
        super().__init__()
        from torchvision.models import vgg16

        self.config = dict(config or VGG16)
        self.latent_space = latent_space
        self.network = vgg16(weights=None, num_classes=self.config["num_classes"])
        self.network.features[0] = nn.Conv2d(self.config["num_channels"], 64, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Outputs (B, D) of latents (B, C, h, w) in the model's scale."""
        return self.network(latent.to(self.network.features[0].weight.dtype))

    def save(self, path: str | Path) -> None:
        """Write safetensors with the metadata that `load_latent_vgg` reads."""
        assert self.latent_space is not None
        save_weights(path, self.network, self.latent_space, self.config)


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
