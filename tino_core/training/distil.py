"""The run: the student's features of latents come to equal the teacher's of pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .cache import Maker
from .checkpoint import Log, claim, latest, restore, save
from .options import Options
from .pairs import Pairs, training_pairs, validation_pairs
from .students import KINDS, build_student
from .teachers import TEACHERS, text_teacher
from .vae import load_encoder


def rate(options: Options, step: int) -> float:
    """The learning rate of a step, counted from 0."""
    warm = min(1.0, (step + 1) / options.warmup) if options.warmup else 1.0
    if options.schedule == "constant":
        return options.lr * warm
    return options.lr * warm * 0.5 * (1 + math.cos(math.pi * step / max(1, options.steps)))


@torch.no_grad()
def validate(
    student: Any, held_out: tuple[Tensor, Tensor], options: Options, accelerator: Any
) -> dict[str, float]:
    """Objective on the validation pairs, and with each feature beside its neighbour's latent.

    The second is what a student that sees nothing would get.
    """
    objective, device = KINDS[options.student].objective, accelerator.device
    student.eval()
    own, others = [], []
    for latents, features, shifted in zip(
        held_out[0].split(options.batch),
        held_out[1].split(options.batch),
        held_out[1].roll(1, 0).split(options.batch),
        strict=True,
    ):
        with accelerator.autocast():
            guess = student(latents.to(device))
        own.append(objective(guess, features.to(device)))
        others.append(objective(guess, shifted.to(device)))
    student.train()
    return {"loss": torch.cat(own).mean().item(), "shuffled": torch.cat(others).mean().item()}


class Distillation:
    """The parts of one run, and its loop."""

    def __init__(self, options: Options):
        from accelerate import Accelerator

        self.options = options
        self.accelerator: Any = Accelerator(mixed_precision=options.precision)
        processes, own = self.accelerator.num_processes, self.accelerator.process_index
        device = self.accelerator.device
        encode = load_encoder(options.vae, options.vae_config, device)
        maker = Maker(encode, TEACHERS[options.student](options.teacher, device), device)
        self.texts = text_teacher(options.teacher) if options.texts else None
        self.start = latest(options.run, own)
        with self.accelerator.main_process_first():  # which fills the cache
            self.pairs: Pairs = training_pairs(options, maker, own, processes, self.start.position)
            self.held_out = validation_pairs(options, maker)
        student = build_student(options, maker.teacher, tuple(self.held_out[0].shape[1:]))
        self._require_equal_features(student)
        with self.accelerator.main_process_first():
            claim(options, processes)  # last: what was refused before leaves no trace
        decay = options.weight_decay
        optimiser = torch.optim.AdamW(student.parameters(), lr=options.lr, weight_decay=decay)
        self.student, self.optimiser = self.accelerator.prepare(student, optimiser)
        # Dropout, if there is any, must differ between processes and not between runs.
        torch.manual_seed(options.seed + own)
        restore(self.accelerator, options.run, self.start.step)
        self.student.train()

    def _require_equal_features(self, student: Any) -> None:
        with torch.no_grad():
            size = student.eval()(self.held_out[0][:1]).shape[1]
        if size != self.held_out[1].shape[1]:
            raise ValueError(
                f"--student-config: the student gives {size} numbers, the teacher "
                f"{self.held_out[1].shape[1]}."
            )

    def step(self, step: int) -> float:
        """One update; returns the loss over all processes."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.options, step)
        latents, features = self.pairs.next(step)
        with self.accelerator.autocast():
            guess = self.student(latents)
        loss = KINDS[self.options.student].objective(guess, features).mean()
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.optimiser.step()
        mean = self.accelerator.reduce(loss.detach(), "mean").item()
        if not math.isfinite(mean):
            raise ValueError(f"--lr: the loss became {mean} at step {step + 1}; lower it.")
        return mean

    def export(self, step: int) -> None:
        """Write the student as it is."""
        student = self.accelerator.unwrap_model(self.student)
        trained = f"{step} steps of tino_core.training {self.options.student}"
        notes = {"trained": trained, **self.options.notes}
        self.options.output.parent.mkdir(parents=True, exist_ok=True)
        if self.texts is not None:
            student.text_tower, student.text_space = self.texts, self.options.teacher
        student.save(self.options.output, torch.float16 if self.options.half else None, notes)
        if self.texts is not None:
            student.text_tower = None  # no part of what is trained

    def run(self) -> None:
        """From the last checkpoint to the last step."""
        options, main = self.options, self.accelerator.is_main_process
        log = Log(options.run, self.start.step) if main else None
        if log and self.start.step == 0:
            self._validate(log, 0)
        for step in range(self.start.step, options.steps):
            loss, done = self.step(step), step + 1
            if log:
                log.write("loss", done, loss=loss)
            last = done == options.steps
            if log and (last or done % options.validate_every == 0):
                self._validate(log, done)
            if last or done % options.checkpoint_every == 0:
                save(self.accelerator, options.run, done, self.pairs.position)
        if log:
            self.export(max(self.start.step, options.steps))
            log.close()

    def _validate(self, log: Log, step: int) -> None:
        # The bare module: the other processes do not take part.
        student = self.accelerator.unwrap_model(self.student)
        figures = validate(student, self.held_out, self.options, self.accelerator)
        log.write("validation", step, **figures)
        said = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        print(f"step {step}: validation {said}", flush=True)
        self.export(step)


def distil(options: Options) -> Path:
    """Train, or go on training, and return the path of the student's weights."""
    Distillation(options).run()
    return options.output
