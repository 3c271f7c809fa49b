"""Trains the tiny UNet and its text encoder on cached latents.

v-prediction with min-SNR weighting (gamma 5, floor 1). Two helps that leave no trace in the
weights: the loss counts more inside the edit's mask, and heads that are dropped on export must
tell that mask from the features, which teaches early which object the sentence means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .batches import Batch, draw_batch, draw_caption_batch
from .dataset import load_dataset
from .run import Budget, Run
from .text import TinyTextModel, build_text_model
from .unet import build_unet

BATCH, LR, GAMMA = 16, 6e-4, 5.0
_MASK_WEIGHT, _HEAD_WEIGHT = 4.0, 0.2
_BLENDED = 0.75  # share of drawn pictures that are noised in one place only


def alphas_cumprod() -> Tensor:
    """Stable Diffusion's scaled-linear schedule, (1000,)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0).float()


class Editor(nn.Module):
    """Text encoder, UNet and the two mask heads that only training uses."""

    unet: Any  # ComfyUI's UNetModel
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, unet: nn.Module | None = None, text: TinyTextModel | None = None):
        super().__init__()
        self.unet = unet if unet is not None else build_unet()
        self.text = text if text is not None else build_text_model()
        width = self.unet.model_channels
        self.coarse_head = nn.Conv2d(width * self.unet.channel_mult[-1], 1, 1)
        self.fine_head = nn.Conv2d(width, 1, 1)
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
        """The predicted v, (N, C, h, w)."""
        context = self.text(tokens)[0]
        x = torch.cat([noisy, source], 1).contiguous(memory_format=torch.channels_last)
        return self.unet(x, t.float(), context=context)

    def mask_logits(self) -> tuple[Tensor, Tensor]:
        """What the heads say about the last forward: (N, 1, h/2, w/2) and (N, 1, h, w)."""
        return (
            self.coarse_head(self._features["coarse"]),
            self.fine_head(self._features["fine"]),
        )


def _mask_loss(editor: Editor, batch: Batch) -> Tensor:
    coarse, fine = editor.mask_logits()
    positive = torch.tensor(4.0)
    losses = []
    for logits, mask in ((coarse, F.avg_pool2d(batch.mask, 2)), (fine, batch.mask)):
        loss = F.binary_cross_entropy_with_logits(
            logits, mask, pos_weight=positive, reduction="none"
        )
        losses.append((loss.mean((1, 2, 3)) * batch.grounded).mean())
    return losses[0] + losses[1]


def editor_loss(
    editor: Editor, batch: Batch, schedule: Tensor, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """v loss with floored min-SNR weights, plus the heads' cross-entropy."""
    t = torch.randint(len(schedule), (len(batch.target),), generator=generator)
    source, target = editor.normalise(batch.source), editor.normalise(batch.target)
    noise = torch.randn(target.shape, generator=generator)
    alpha = schedule[t].view(-1, 1, 1, 1)
    noisy = alpha.sqrt() * target + (1 - alpha).sqrt() * noise
    v = alpha.sqrt() * noise - (1 - alpha).sqrt() * target
    error = (editor(noisy, source, t, batch.tokens) - v).square()
    snr = alpha / (1 - alpha)
    # min-SNR weighs a v error by min(snr, gamma) / (snr + 1), which leaves next to nothing at high
    # noise, where an edit chooses its object; the floor of 1 is Salimans and Ho's truncated SNR.
    weight = snr.clamp(1, GAMMA) / (snr + 1) * (1 + _MASK_WEIGHT * batch.mask)
    denoising, grounding = (weight * error).mean(), _mask_loss(editor, batch)
    parts = {"v": round(denoising.item(), 5), "mask": round(grounding.item(), 5)}
    return denoising + _HEAD_WEIGHT * grounding, parts


def train_unet(
    folder: Path, data_folder: Path, budget: Budget, batch: int = BATCH, every: int = 100,
    report=lambda run: None, editor: Editor | None = None, stop_at: int | None = None,
) -> Run:  # fmt: skip
    """Runs or resumes the training in the folder."""
    torch.manual_seed(0)
    editor = editor if editor is not None else Editor()
    editor = editor.to(memory_format=torch.channels_last)
    data, schedule = load_dataset(data_folder), alphas_cumprod()
    editor.measure(data["latents"])  # replaced by the checkpoint's when resuming
    run = Run(folder, nn.ModuleDict({"editor": editor}), lr=LR, budget=budget, ema=0.999)

    def loss_of(generator: torch.Generator):
        return editor_loss(editor, draw_batch(data, batch, generator), schedule, generator)

    def say(run: Run) -> None:
        print(f"unet step {run.step} {run.seconds:.0f} s, {len(data['masks'])} scenes", flush=True)
        data.update(load_dataset(data_folder))  # the data stage may still be adding scenes
        report(run)

    run.loop(loss_of, every, say, stop_at)
    return run


def drawing_loss(
    editor: Editor, batch: Batch, schedule: Tensor, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """v loss of pictures drawn from captions; most are noised in one object's place only.

    So a blended run shows them to the model: clean outside the mask at every noise level, as Stable
    Diffusion copes with and a tiny model has to learn. Those count inside the mask alone.
    """
    size = len(batch.target)
    t = torch.randint(len(schedule), (size,), generator=generator)
    target = editor.normalise(batch.target)
    noise = torch.randn(target.shape, generator=generator)
    blended = (torch.rand(size, generator=generator) < _BLENDED).view(-1, 1, 1, 1)
    inside = torch.where(blended, (batch.mask > 0).float(), 1.0)
    alpha = schedule[t].view(-1, 1, 1, 1)
    noisy = alpha.sqrt() * target + (1 - alpha).sqrt() * noise
    noisy = noisy * inside + target * (1 - inside)
    v = alpha.sqrt() * noise - (1 - alpha).sqrt() * target
    error = (editor(noisy, editor.normalise(batch.source), t, batch.tokens) - v).square()
    snr = alpha / (1 - alpha)
    weight = snr.clamp(1, GAMMA) / (snr + 1) * (1 + _MASK_WEIGHT * batch.mask) * inside
    loss = (weight * error).mean()
    return loss, {"v": round(loss.item(), 5)}


def train_drawing(
    folder: Path, data_folder: Path, editor: Editor, budget: Budget, report=lambda run: None,
    batch: int = BATCH, every: int = 100,
) -> Run:  # fmt: skip
    """Tunes a trained UNet to draw from captions alone; the text encoder stays as it is.

    The loss counts more at the object of a random edit, so that words weigh more than backgrounds.
    """
    editor.requires_grad_(True).train()
    editor.text.requires_grad_(False)
    data, schedule = load_dataset(data_folder), alphas_cumprod()
    run = Run(folder, nn.ModuleDict({"editor": editor}), lr=LR / 2, budget=budget, ema=0.995)

    def loss_of(generator: torch.Generator):
        return drawing_loss(editor, draw_caption_batch(data, batch, generator), schedule, generator)

    def say(run: Run) -> None:
        print(f"drawing step {run.step} {run.seconds:.0f} s", flush=True)
        report(run)

    run.loop(loss_of, every, say)
    return run


def _editor_of(average: dict[str, Tensor]) -> Editor:
    editor = Editor().to(memory_format=torch.channels_last)
    editor.load_state_dict({k.removeprefix("editor."): v for k, v in average.items()})
    return editor


def averaged_editor(run: Run) -> Editor:
    """A copy with the averaged weights, for sampling and export."""
    return _editor_of(run.average).eval().requires_grad_(False)


def trained_editor(folder: Path) -> Editor:
    """The averaged weights of a training folder's last checkpoint."""
    return _editor_of(torch.load(folder / "checkpoint.pt", weights_only=True)["average"])
