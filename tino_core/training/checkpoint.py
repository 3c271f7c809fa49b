"""All that a run needs to go on after a kill: weights, optimiser, random states, position, losses.

A checkpoint is written beside the last one; `latest.json` names the whole one, and is replaced in
one step.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...tensor_files import written_whole
from .options import Options, flag
from .pictures import Position


@dataclass(frozen=True)
class Start:
    """Where a run begins: at 0, or after the step of its last checkpoint."""

    step: int
    position: Position


def _write_json(path: Path, value: object) -> None:
    with written_whole(path) as part:
        part.write_text(json.dumps(value, indent=1), encoding="utf-8")


def claim(options: Options, num_processes: int) -> None:
    """Make the run's folder; ValueError names an option that it was started otherwise with."""
    options.run.mkdir(parents=True, exist_ok=True)
    path = options.run / "settings.json"
    now = json.loads(json.dumps(options.lasting(num_processes)))
    if not path.is_file():
        _write_json(path, now)
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise ValueError(
                f"{flag(name)}: the run in {options.run} was started with {before.get(name)}, "
                f"this is {now.get(name)}. Go on with the same, or give another --run."
            )


def _folder(run: Path, step: int) -> Path:
    return run / f"step_{step:07d}"


def save(accelerator: Any, run: Path, step: int, position: Position) -> None:
    """Write a checkpoint; called by all processes."""
    folder = _folder(run, step)
    accelerator.save_state(str(folder))
    _write_json(folder / f"position_{accelerator.process_index}.json", asdict(position))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        _write_json(run / "latest.json", {"step": step})
        for old in run.glob("step_*"):
            if old != folder:
                shutil.rmtree(old)


def latest(run: Path, process: int) -> Start:
    """What the last whole checkpoint says, or the very beginning."""
    path = run / "latest.json"
    if not path.is_file():
        return Start(0, Position())
    step = json.loads(path.read_text(encoding="utf-8"))["step"]
    position = (_folder(run, step) / f"position_{process}.json").read_text(encoding="utf-8")
    return Start(step, Position(**json.loads(position)))


def restore(accelerator: Any, run: Path, step: int) -> None:
    """Fill model, optimiser and random states."""
    if step > 0:
        accelerator.load_state(str(_folder(run, step)))


class Log:
    """Losses as JSON lines and for TensorBoard; rows after the checkpoint are cut off."""

    def __init__(self, run: Path, step: int):
        from torch.utils.tensorboard.writer import SummaryWriter

        self._files = {}
        for name in ("loss", "validation"):
            path = run / f"{name}.jsonl"
            lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            kept = [line for line in lines if _step_of(line) <= step]
            path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            self._files[name] = path.open("a", buffering=1, encoding="utf-8")
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1)

    def write(self, name: str, step: int, **values: float) -> None:
        """Add a row to loss.jsonl or validation.jsonl."""
        self._files[name].write(json.dumps({"step": step, **values}) + "\n")
        for key, value in values.items():
            self._board.add_scalar(f"{name}/{key}", value, step)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._board.close()


def _step_of(line: str) -> float:
    """The step of a row; a row that was cut short belongs to no step."""
    try:
        return json.loads(line)["step"]
    except json.JSONDecodeError:
        return float("inf")
