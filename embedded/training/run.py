"""A training run that survives being killed: schedule, checkpoints, loss log."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, autocast, nn

from ...tensor_files import written_whole


@dataclass(frozen=True)
class Budget:
    """When a run ends: after so many steps or so many minutes, whichever comes first."""

    steps: int | None = None
    minutes: float | None = None

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is over, in [0, 1]."""
        by_step = step / self.steps if self.steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_step, by_time))


def one_cycle(progress: float, warmup: float = 0.03, hold: float = 0.5) -> float:
    """Learning-rate factor: linear warm-up, a plateau, cosine decay to 1 %."""
    if progress < warmup:
        return max(progress / warmup, 0.02)
    if progress < hold:
        return 1.0
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - hold) / (1 - hold)))


def training_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Run:
    """Owns the modules, the optimiser, the averaged weights and the random state of a run.

    On CUDA the loss is computed in bf16 (autocast); weights and checkpoints stay float32, and a
    checkpoint goes on on either device, with other random numbers where the device changed.
    """

    def __init__(
        self, folder: Path, modules: nn.ModuleDict, lr: float, budget: Budget, ema: float = 0.0,
        seed: int = 0, device: torch.device | None = None,
    ):  # fmt: skip
        self.device = device or torch.device("cpu")
        modules.to(self.device)
        self.folder, self.modules, self.lr, self.budget, self.decay = (
            folder, modules, lr, budget, ema,
        )  # fmt: skip
        self.optimiser = torch.optim.AdamW(modules.parameters(), lr=lr, betas=(0.9, 0.99))
        self.average = {k: v.detach().clone() for k, v in modules.state_dict().items()}
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self._resume()

    @property
    def path(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def on_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def progress(self) -> float:
        return self.budget.progress(self.step, self.seconds)

    def save(self) -> None:
        """Writes the checkpoint beside its place and moves it there in one step."""
        state = {
            "modules": self.modules.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "device": self.device.type,
            "step": self.step,
            "seconds": self.seconds,
        }
        with written_whole(self.path) as part:
            torch.save(state, part)

    def _resume(self) -> None:
        state = torch.load(self.path, weights_only=True, map_location="cpu")
        self.modules.load_state_dict(state["modules"])
        self.average = {k: v.to(self.device) for k, v in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        if state.get("device", "cpu") == self.device.type:
            self.generator.set_state(state["generator"])
        self.step, self.seconds = state["step"], state["seconds"]

    def _update(self, loss: Tensor) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr * one_cycle(self.progress)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.modules.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        # Young averages forget faster, so early exports are not the initial weights.
        decay = min(self.decay, self.step / (self.step + 20))
        for key, value in self.modules.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - decay)

    def loop(
        self,
        loss_of: Callable[[torch.Generator], tuple[Tensor, dict[str, float]]],
        every: int,
        report: Callable[[Run], None] = lambda run: None,
        stop_at: int | None = None,
    ) -> None:
        """Trains to the end of the budget; logs, saves and reports every so many steps."""
        start = time.monotonic()
        with (self.folder / "loss.jsonl").open("a", buffering=1) as log:
            while self.progress < 1 and self.step != stop_at:
                with autocast(self.device.type, torch.bfloat16, enabled=self.on_cuda):
                    loss, parts = loss_of(self.generator)
                self._update(loss)
                now = time.monotonic()
                self.seconds, start = self.seconds + now - start, now
                row = {"step": self.step, "seconds": round(self.seconds, 1), "loss": loss.item()}
                log.write(json.dumps({**row, **parts}) + "\n")
                if self.step % every == 0:
                    log.flush()
                    self.save()
                    report(self)
                    start = time.monotonic()
        self.save()
