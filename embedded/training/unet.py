"""Trains the tiny UNet and its text encoder on cached latents.

Two helps that leave no trace in the weights: the loss counts more inside the edit's mask, and
heads that are dropped on export must tell that mask from the features, which teaches early which
object the sentence means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.batches import Batch, draw_batch, draw_caption_batch
from ..data.dataset import load_dataset
from ..data.spoil import CLEAN
from ..model.objectives import Noised
from .distil import Distilling, guided, plain
from .editor import Editor
from .run import Budget, Run, training_device
from .variants import VARIANTS, Variant

BATCH, LR = 16, 6e-4
GUIDANCE = {"flow": (3.0, 1.5), "drawing": (3.0, 1.0)}
"""Text and image guidance that a few-step model takes over from its teacher."""
_MASK_WEIGHT, _HEAD_WEIGHT = 4.0, 0.2
_BLENDED = 0.75  # share of drawn pictures that are noised in one place only

Loss = tuple[Tensor, dict[str, float]]


def _denoising_loss(editor: Editor, batch: Batch, noised: Noised) -> Tensor:
    predicted = editor(noised.x, editor.normalise(batch.source), noised.t, batch.tokens)
    weight = noised.weight * (1 + _MASK_WEIGHT * batch.mask)
    return (weight * (predicted - noised.wanted).square()).mean()


def _mask_loss(editor: Editor, batch: Batch) -> Tensor:
    coarse, fine = editor.mask_logits()
    positive = coarse.new_tensor(4.0)
    losses = []
    for logits, mask in ((coarse, F.avg_pool2d(batch.mask, 2)), (fine, batch.mask)):
        loss = F.binary_cross_entropy_with_logits(
            logits, mask, pos_weight=positive, reduction="none"
        )
        losses.append((loss.mean((1, 2, 3)) * batch.grounded).mean())
    return losses[0] + losses[1]


def editor_loss(editor: Editor, batch: Batch, generator: torch.Generator) -> Loss:
    """The objective's loss of edits, plus the heads' cross-entropy."""
    noised = editor.objective.noised(editor.normalise(batch.target), generator)
    denoising = _denoising_loss(editor, batch, noised)
    grounding = _mask_loss(editor, batch)
    parts = {"denoising": round(denoising.item(), 5), "mask": round(grounding.item(), 5)}
    return denoising + _HEAD_WEIGHT * grounding, parts


def tuning_loss(editor: Editor, batch: Batch, generator: torch.Generator) -> Loss:
    """The objective's loss of edits alone: a spoilt target may change what the mask leaves out."""
    noised = editor.objective.noised(editor.normalise(batch.target), generator)
    loss = _denoising_loss(editor, batch, noised)
    return loss, {"denoising": round(loss.item(), 5)}


def drawing_loss(editor: Editor, batch: Batch, generator: torch.Generator) -> Loss:
    """The objective's loss of pictures drawn from captions; most are noised in one place only.

    So a blended run shows them to the model: clean outside the mask at every noise level, as Stable
    Diffusion copes with and a tiny model has to learn. Those count inside the mask alone.
    """
    clean = editor.normalise(batch.target)
    noised = editor.objective.noised(clean, generator)
    blended = torch.rand(len(clean), generator=generator, device=generator.device) < _BLENDED
    inside = torch.where(blended.view(-1, 1, 1, 1), (batch.mask > 0).float(), 1.0)
    x = noised.x * inside + clean * (1 - inside)
    loss = _denoising_loss(editor, batch, replace(noised, x=x, weight=noised.weight * inside))
    return loss, {"denoising": round(loss.item(), 5)}


@dataclass(frozen=True)
class Task:
    """What a training stage draws from the cached edits, and what it asks of the editor.

    lr: highest learning rate; ema: decay of the averaged weights
    """

    draw: Callable[[dict[str, Tensor], int, torch.Generator], Batch]
    loss: Callable[[Editor, Batch, torch.Generator], Loss]
    lr: float
    ema: float


EDITING = Task(draw_batch, editor_loss, LR, 0.999)
DRAWING = Task(draw_caption_batch, drawing_loss, LR / 2, 0.995)
"""Counts more at the object of a random edit, so that words weigh more than backgrounds."""


def editing_at(dose: str) -> Task:
    """Goes on with an editing model on pairs spoilt at a dose."""
    return Task(partial(draw_batch, dose=dose), tuning_loss, 4e-4, 0.999)


def distilling(variant: Variant, teacher: Editor) -> Task:
    """Makes a few-step model of the teacher, of many steps or of twice as many."""
    teacher = teacher.to(training_device()).eval().requires_grad_(False)
    draw = draw_caption_batch if variant.dose is None else draw_batch
    many = VARIANTS[variant.start].steps is None
    estimate = guided(teacher, *GUIDANCE[variant.start]) if many else plain(teacher)
    return Task(draw, Distilling(estimate, variant.steps or 1), 2e-4, 0.995)


def task_of(variant: Variant, start: Editor) -> Task:
    """What a stage of the table trains on, beginning from `start`."""
    if variant.steps is not None:
        return distilling(variant, start)
    if variant.dose is None:
        return DRAWING
    return EDITING if variant.dose == CLEAN else editing_at(variant.dose)


def train_unet(
    folder: Path, data_folder: Path, budget: Budget, batch: int = BATCH, every: int = 100,
    report: Callable[[Run], None] = lambda run: None, editor: Editor | None = None,
    task: Task = EDITING, stop_at: int | None = None, compiled: bool = False,
) -> Run:  # fmt: skip
    """Runs or resumes a training in the folder; a new editor where none is given."""
    device = training_device()
    data = load_dataset(data_folder, device)
    if editor is None:
        torch.manual_seed(0)
        editor = Editor().to(memory_format=torch.channels_last)
        editor.measure(data["latents"])  # replaced by the checkpoint's when resuming
    if compiled:
        editor.unet.compile()
    modules = nn.ModuleDict({"editor": editor})
    run = Run(folder, modules, lr=task.lr, budget=budget, ema=task.ema, device=device)

    def loss_of(generator: torch.Generator) -> Loss:
        return task.loss(editor, task.draw(data, batch, generator), generator)

    def say(run: Run) -> None:
        scenes = len(data["masks"])
        print(f"{folder.name} step {run.step} {run.seconds:.0f} s, {scenes} scenes", flush=True)
        data.update(load_dataset(data_folder, device))  # the data stage may still be adding scenes
        report(run)

    run.loop(loss_of, every, say, stop_at)
    return run


def tune_unet(folder: Path, data_folder: Path, editor: Editor, budget: Budget, **options) -> Run:
    """Goes on with the UNet of a trained editor; its text encoder stays as it is."""
    editor.requires_grad_(True).train()
    editor.text.requires_grad_(False)
    return train_unet(folder, data_folder, budget, editor=editor, **options)
