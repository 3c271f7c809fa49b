"""The tiny VAE: TAESD's layout with narrower layers, widened to TAESD's 64 channels on export.

ComfyUI's TAESD class hard-codes 64 channels everywhere. High resolution layers that wide are
slow to train, so training uses the same layers with fewer channels; `widen` pads the weights
with zeros, which gives the same function in the layout that the stock VAELoader reads.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import Conv2d

from .shipped import shipped

WIDTHS = (16, 32, 64, 64)  # channels at H, H/2, H/4, H/8
LATENT_CHANNELS = 4
TAESD_WIDTH = 64


class Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


class Block(nn.Module):
    """Residual block of TAESD, with the names its checkpoints use."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Sequential(
            Conv2d(width, width, 3, padding=1), nn.ReLU(),
            Conv2d(width, width, 3, padding=1), nn.ReLU(),
            Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        self.fuse = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.fuse(self.conv(x) + x)


def _conv(n_in: int, n_out: int, **kwargs) -> Conv2d:
    return Conv2d(n_in, n_out, 3, padding=1, **kwargs)


def encoder(widths: tuple[int, int, int, int] = WIDTHS) -> nn.Sequential:
    """(N, 3, H, W) in [0, 1] -> (N, C, H/8, W/8)."""
    layers: list[nn.Module] = [_conv(3, widths[0]), Block(widths[0])]
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
        layers.append(_conv(n_in, n_out, stride=2, bias=False))
        layers += [Block(n_out) for _ in range(3)]
    return nn.Sequential(*layers, _conv(widths[-1], LATENT_CHANNELS))


def decoder(widths: tuple[int, int, int, int] = WIDTHS) -> nn.Sequential:
    """(N, C, h, w) -> (N, 3, 8h, 8w), nominally in [0, 1]."""
    up = widths[::-1]
    layers: list[nn.Module] = [Clamp(), _conv(LATENT_CHANNELS, up[0]), nn.ReLU()]
    for n_in, n_out in zip(up[:-1], up[1:], strict=True):
        layers += [Block(n_in) for _ in range(3)]
        layers += [nn.Upsample(scale_factor=2), _conv(n_in, n_out, bias=False)]
    return nn.Sequential(*layers, Block(up[-1]), _conv(up[-1], 3))


class TinyVAE(nn.Module):
    """Encoder and decoder on pictures in [0, 1]; scale and shift of the stored latents."""

    scale: Tensor
    shift: Tensor

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS):
        super().__init__()
        self.encoder = encoder(widths)
        self.decoder = decoder(widths)
        self.apply(_initialise)
        for module in self.modules():
            if isinstance(module, Block):
                last = module.conv[4]  # zero: every block starts as the identity
                assert isinstance(last, Conv2d)
                nn.init.zeros_(last.weight)
        # Scale and shift of the stored latents, measured after training.
        self.register_buffer("scale", torch.tensor(1.0))
        self.register_buffer("shift", torch.tensor(0.0))

    def encode(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, C, h, w) of about zero mean and unit deviation."""
        return self.encoder(pictures) / self.scale + self.shift

    def decode(self, latents: Tensor) -> Tensor:
        """The inverse of encode, clamped to [0, 1]."""
        return self.decoder((latents - self.shift) * self.scale).clamp(0, 1)


def load_vae(path: Path) -> TinyVAE:
    """A trained VAE from its own (narrow) state dict, ready for inference."""
    vae = TinyVAE()
    vae.load_state_dict(torch.load(path, weights_only=True))
    return vae.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def load_shipped_vae() -> TinyVAE:
    """The shipped VAE with the narrow layers it was trained with: the same function, faster."""
    vae = TinyVAE()
    wide, narrow = shipped("vae.safetensors"), {}
    for key, value in vae.state_dict().items():
        stored = wide[f"vae_{key}" if key in ("scale", "shift") else f"taesd_{key}"]
        narrow[key] = stored[tuple(slice(0, size) for size in value.shape)]
    vae.load_state_dict(narrow)
    return vae.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def vae_of(train_folder: Path) -> TinyVAE:
    """The VAE that was trained in a training folder, or the shipped one where none was."""
    path = train_folder / "vae.pt"
    return load_vae(path) if path.exists() else load_shipped_vae()


def _initialise(module: nn.Module) -> None:
    if isinstance(module, Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _pad(weight: Tensor, first: bool, last: bool) -> Tensor:
    """Pads hidden channels with zeros up to TAESD's width; picture and latent channels stay."""
    out_extra = 0 if last else TAESD_WIDTH - weight.shape[0]
    if weight.ndim == 1:
        return nn.functional.pad(weight, (0, out_extra))
    in_extra = 0 if first else TAESD_WIDTH - weight.shape[1]
    return nn.functional.pad(weight, (0, 0, 0, 0, 0, in_extra, 0, out_extra))


def widen(vae: TinyVAE) -> dict[str, Tensor]:
    """The state dict under ComfyUI's names: taesd_encoder.*, taesd_decoder.*, scale, shift."""
    state = {}
    for name, net in (("taesd_encoder", vae.encoder), ("taesd_decoder", vae.decoder)):
        numbers = [int(key.split(".")[0]) for key in net.state_dict()]
        for key, value in net.state_dict().items():
            number = int(key.split(".")[0])
            padded = _pad(value, number == min(numbers), number == max(numbers))
            state[f"{name}.{key}"] = padded.contiguous()
    return {**state, "vae_scale": vae.scale.clone(), "vae_shift": vae.shift.clone()}
