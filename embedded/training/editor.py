"""The modules that train together: text encoder, UNet, and the mask heads only training uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Conv2d

from ..model.objectives import V_PREDICTION, Objective
from ..model.shipped import shipped, shipped_latents
from ..model.text import TinyTextModel, build_text_model
from ..model.unet import build_unet
from .run import Run


class Editor(nn.Module):
    """Text encoder, UNet and the two mask heads that only training uses."""

    unet: Any  # ComfyUI's UNetModel
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(
        self, unet: nn.Module | None = None, text: TinyTextModel | None = None,
        objective: Objective = V_PREDICTION,
    ):  # fmt: skip
        super().__init__()
        self.objective = objective
        self.unet = unet if unet is not None else build_unet()
        self.text = text if text is not None else build_text_model()
        width = self.unet.model_channels
        self.coarse_head = Conv2d(width * self.unet.channel_mult[-1], 1, 1)
        self.fine_head = Conv2d(width, 1, 1)
        # Latents are normalised per channel inside the model; a dropped source is zeros before.
        self.register_buffer("latent_mean", torch.zeros(1, 4, 1, 1))
        self.register_buffer("latent_std", torch.ones(1, 4, 1, 1))
        self._features: dict[str, Tensor] = {}
        self.unet.output_blocks[0][-1].register_forward_hook(self._keep("coarse"))
        self.unet.output_blocks[-1][-1].register_forward_hook(self._keep("fine"))

    def _keep(self, name: str):
        def hook(module, inputs, output):
            self._features[name] = output

        return hook

    def measure(self, latents: Tensor) -> None:
        """Sets mean and deviation of each channel from stored latents (..., C, h, w)."""
        flat = latents.float().flatten(0, -4)
        self.latent_mean.copy_(flat.mean((0, 2, 3), keepdim=True))
        self.latent_std.copy_(flat.std((0, 2, 3), keepdim=True))

    def normalise(self, latents: Tensor) -> Tensor:
        """Stored latents -> the space the diffusion runs in."""
        return (latents - self.latent_mean) / self.latent_std

    def restore(self, latents: Tensor) -> Tensor:
        """The inverse of normalise."""
        return latents * self.latent_std + self.latent_mean

    def forward(self, noisy: Tensor, source: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        """What the objective predicts, (N, C, h, w)."""
        context = self.text(tokens)[0]
        x = torch.cat([noisy, source], 1).contiguous(memory_format=torch.channels_last)
        return self.unet(x, t.float(), context=context)

    def mask_logits(self) -> tuple[Tensor, Tensor]:
        """What the heads say about the last forward: (N, 1, h/2, w/2) and (N, 1, h, w)."""
        return (
            self.coarse_head(self._features["coarse"]),
            self.fine_head(self._features["fine"]),
        )


def _editor_of(average: dict[str, Tensor], objective: Objective) -> Editor:
    editor = Editor(objective=objective).to(memory_format=torch.channels_last)
    editor.load_state_dict({k.removeprefix("editor."): v for k, v in average.items()})
    return editor


def averaged_editor(run: Run) -> Editor:
    """A copy with the averaged weights, for sampling and export."""
    trained = run.modules["editor"]
    assert isinstance(trained, Editor)
    return _editor_of(run.average, trained.objective).eval().requires_grad_(False)


def shipped_editor(objective: Objective = V_PREDICTION, name: str = "unet") -> Editor:
    """An editing model that ships, to go on from; its mask heads are new."""
    editor = Editor(objective=objective).to(memory_format=torch.channels_last)
    editor.unet.load_state_dict(shipped(f"{name}.safetensors"))
    editor.text.load_state_dict(shipped("text_encoder.safetensors"))
    latents = shipped_latents(f"{name}.safetensors")
    for buffer, values in ((editor.latent_mean, "mean"), (editor.latent_std, "std")):
        buffer.copy_(torch.tensor(latents[values]).view_as(buffer))
    return editor


def editor_to_tune(folder: Path, objective: Objective = V_PREDICTION) -> Editor:
    """The averaged weights of a stage's folder, or that stage's shipped ones where it has none."""
    checkpoint = folder / "checkpoint.pt"
    if not checkpoint.exists():
        return shipped_editor(objective, folder.name)
    return _editor_of(torch.load(checkpoint, weights_only=True)["average"], objective)
