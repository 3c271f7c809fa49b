"""Candidates as a file: what is written, and the check of what is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
import torch
from torch import Tensor

from ...elect_core.schedule import Cost
from ...elect_core.stored import tape_of, tape_tensors
from ...elect_core.tape import Tape
from ...tensor_files import read_tensor_file, write_tensor_file
from ..host.elect.identity import made_with, run_facts
from ..host.elect.noise import GivenNoise
from ..host.elect.run import Run
from ..host.elect.texts import MOST_JITTER
from ..menu import MAX_SEED
from .kept_scores import Score, as_plain, from_plain
from .sampling import MAX_CANDIDATES
from .types import Candidates

_KEY = "elect_candidates"
_FORMAT = 1
_AGAIN = "Save the candidates again."
_TEXT = {"seeds": list, "steps": list, "cost": dict, "run": dict, "latent": dict, "table": str}
_NUMBERS = ("stop_step", "window_step")


@dataclass(frozen=True)
class Stored:
    """What a file of candidates holds, checked.

    tape: rows as `seeds`; sigmas (K + 1,); latent: of one picture; facts: of the run
    thumbnails (N, h, w, 3), noise (N, C, h, w) and scores (N,) where there are any
    """

    seeds: tuple[int, ...]
    tape: Tape
    stop_step: int
    cost: Cost
    window_step: int
    sigmas: Tensor
    latent: dict
    facts: dict[str, Any]
    made_with: dict[str, Any]
    table: str
    thumbnails: Tensor | None
    noise: Tensor | None
    scores: tuple[Score, ...] | None

    def candidates(self, run: Run) -> Candidates:
        """The candidates, to go on in a run that `fit.misfit` has found to be theirs."""
        # Copies: the file is only mapped, and may be deleted or written anew.
        tape = self.tape.map(Tensor.clone)
        return Candidates(run, self.seeds, tape, self.stop_step, self.cost, self.scores)

    @property
    def text_jitter(self) -> float:
        """How far their texts were moved; what is no number in range is none."""
        value = self.facts.get("text_jitter")
        if isinstance(value, int | float) and 0 <= value <= MOST_JITTER:
            return float(value)
        return 0.0

    def rule(self) -> GivenNoise | None:
        """Their own initial noise, where it was not drawn from the seeds alone."""
        if self.noise is None:
            return None
        return GivenNoise(dict(zip(self.seeds, self.noise.split(1), strict=True)))


def write(path: Path, found: Candidates, thumbnails: Tensor | None, table: str) -> None:
    """Write candidates of one run.

    thumbnails (N, h, w, 3): in [0, 1]; table: of their scores, as text
    """
    run = found.run
    tensors, steps = tape_tensors(found.tape)
    tensors |= {"sigmas": run.sigmas, "latent/samples": run.latent["samples"]}
    if run.latent.get("noise_mask") is not None:
        tensors["latent/noise_mask"] = run.latent["noise_mask"]
    if run.noise is not None:
        tensors["noise"] = run.initial_noise(found.seeds)
    if thumbnails is not None:
        tensors["thumbnails"] = (thumbnails.clamp(0, 1) * 255).round().byte()
    says = {
        "format": _FORMAT,
        "seeds": list(found.seeds),
        "steps": steps,
        "stop_step": found.stop_step,
        "window_step": run.window_step,
        "cost": vars(found.cost),
        "latent": {k: v for k, v in run.latent.items() if _sayable(v)},
        "run": run_facts(run),
        "made_with": made_with(),
        "table": table,
        "scores": None if found.scores is None else as_plain(found.scores),
    }
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    scratch = folder_paths.get_temp_directory()
    write_tensor_file(path, kept, {_KEY: json.dumps(says)}, scratch)


def _sayable(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_sayable, value))
    return value is None or isinstance(value, bool | int | float | str)


def read(path: Path, given: str) -> Stored:
    """Read and check a file; a ValueError begins with the node input `given` and its name."""
    file = read_tensor_file(path, given, _AGAIN)
    try:
        return _checked(dict(file.tensors), _says(file.metadata))
    except ValueError as error:
        raise ValueError(
            f"{given}: {path.name} holds no candidates that can be resumed: {error}. {_AGAIN}"
        ) from error


def _says(metadata: dict[str, str]) -> dict[str, Any]:
    if _KEY not in metadata:
        raise ValueError(f"it says nothing of {_KEY} (another kind of safetensors file)")
    try:
        says = json.loads(metadata[_KEY])
    except (ValueError, RecursionError) as error:
        raise ValueError("what it says of itself cannot be read") from error
    if not isinstance(says, dict) or says.get("format") != _FORMAT:
        number = says.get("format") if isinstance(says, dict) else None
        raise ValueError(f"it is of format {str(number)[:20]}, and only {_FORMAT} is known")
    for name, kind in _TEXT.items():
        if not isinstance(says.get(name), kind):
            raise ValueError(f"{name} is missing, or no {kind.__name__}")
    _whole([says.get(name) for name in _NUMBERS], "stop_step and window_step")
    _whole([says["cost"].get(name) for name in vars(Cost())], "cost")
    _whole(says["steps"], "steps")
    _whole(says["seeds"], "seeds")
    return says


def _whole(values: Sequence[Any], name: str) -> None:
    """Raise ValueError unless all are whole numbers that a seed could be."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEED:
            raise ValueError(f"{name} should be whole numbers, and one is {str(value)[:20]!r}")


def _checked(tensors: dict[str, Tensor], says: dict[str, Any]) -> Stored:
    seeds = says["seeds"]
    if not 1 <= len(seeds) <= MAX_CANDIDATES or len(set(seeds)) != len(seeds):
        raise ValueError(f"expected 1 to {MAX_CANDIDATES} seeds that differ, got {len(seeds)}")
    sigmas = _taken(tensors, "sigmas", 1)
    samples = _taken(tensors, "latent/samples", None)
    if samples.ndim not in (4, 5) or len(samples) != 1:
        raise ValueError(f"its latent is {tuple(samples.shape)}, not that of one picture")
    shape = (len(seeds), *samples.shape[1:])
    latent = {**_own_words(says["latent"]), "samples": samples}
    if "latent/noise_mask" in tensors:
        latent["noise_mask"] = _taken(tensors, "latent/noise_mask", None)
    noise = _taken(tensors, "noise", len(shape)) if "noise" in tensors else None
    thumbnails = tensors.pop("thumbnails", None)
    if noise is not None and tuple(noise.shape) != shape:
        raise ValueError(f"its noise is {tuple(noise.shape)}, not {shape}")
    if thumbnails is not None and (thumbnails.ndim != 4 or thumbnails.dtype != torch.uint8):
        raise ValueError(f"its thumbnails are {thumbnails.dtype} {tuple(thumbnails.shape)}")
    tape = tape_of(tensors, says["steps"], shape)
    stop = says["stop_step"]
    if not 1 <= stop < len(sigmas) or len(tape.steps) != stop:
        raise ValueError(
            f"stopped after step {stop}, it has {len(tape.steps)} of {len(sigmas) - 1}"
        )
    return Stored(
        tuple(seeds),
        tape,
        stop,
        Cost(**{name: says["cost"][name] for name in vars(Cost())}),
        says["window_step"],
        sigmas,
        latent,
        says["run"],
        says.get("made_with") or {},
        says["table"],
        None if thumbnails is None else thumbnails[..., :3].float() / 255,
        noise,
        from_plain(says.get("scores"), len(seeds)),
    )


def _own_words(latent: dict[str, Any]) -> dict[str, Any]:
    """What a LATENT says besides its tensors."""
    _whole(latent.get("batch_index") or [], "batch_index")
    return {name: value for name, value in latent.items() if name not in ("samples", "noise_mask")}


def _taken(tensors: dict[str, Tensor], name: str, ndim: int | None) -> Tensor:
    """A tensor out of those left, or a ValueError unless it is numbers of that many dimensions."""
    value = tensors.pop(name, None)
    if value is None or not value.is_floating_point() or (ndim and value.ndim != ndim):
        told = "missing" if value is None else f"{value.dtype} {tuple(value.shape)}"
        raise ValueError(f"{name} is {told}")
    return value
