"""What each result is worth: the ground truth, the embedded CLIP, and a network no loss uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from ...embedded.world.success import Judge
from ...tensor_files import write_tensor_file
from ..digest import digest
from .methods import Batch
from .models import TinoBench, as_batch
from .runs import Plan, load_result, path_of
from .tasks import KINDS, Task
from .variants import Variant

METRICS = ("success", "error", "mse", "clip_t", "clip_i", "clip_shown", "observer")


def background_mse(task: Task, picture: np.ndarray, source: np.ndarray) -> float:
    """Mean squared error x1e4 outside the true edit's mask.

    source (H, W, 3): the decoded encoding of the source picture, so that the VAE's own loss counts
    for nobody
    """
    outside = task.edit.mask == 0
    return float(np.square(picture - source)[outside].mean() * 1e4)


def edit_error(task: Task, picture: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared error x1e4 inside the true edit's mask to the truth (H, W, 3) behind the VAE."""
    inside = task.edit.mask > 0
    return float(np.square(picture - truth)[inside].mean() * 1e4)


def _cosine(a: Tensor, b: Tensor) -> list[float]:
    return F.cosine_similarity(a, b, dim=-1).tolist()


def similarities(
    bench: TinoBench, batch: Sequence[Task], pictures: np.ndarray, with_clip: bool
) -> np.ndarray:
    """CLIP-T, CLIP-I, CLIP-I* and the observer's similarity to the source, (B, 4).

    NaN without CLIP, and where a task has no second picture for CLIP-I* to compare with.
    """
    seen, source = _chw(pictures), _chw(np.stack([task.edit.source for task in batch]))
    clip, observer = bench.teacher_clip, bench.observer
    near = _cosine(observer(seen), observer(source))
    if not with_clip:
        return np.array([[float("nan")] * 3 + [one] for one in near])
    result = clip(seen)
    shown = [float("nan")] * len(batch)
    extra = [task.shown for task in batch if task.shown is not None]
    if extra:
        shown = _cosine(result, clip(_chw(np.stack(extra))))
    columns = (
        _cosine(result, bench.teacher_text([task.edit.caption for task in batch])),
        _cosine(result, clip(source)),
        shown,
        near,
    )
    return np.array(columns).T


def _chw(pictures: np.ndarray) -> Tensor:
    return as_batch(list(pictures)).movedim(-1, 1)


@dataclass(frozen=True)
class Beside:
    """What results of a batch are compared with: pictures (B, H, W, 3) through the VAE."""

    sources: np.ndarray
    truths: np.ndarray
    judges: Sequence[Judge]

    @classmethod
    def of(cls, bench: TinoBench, batch: Sequence[Task]) -> Beside:
        """Drawn, encoded and decoded."""
        pairs = zip(*((task.edit.source, task.edit.target) for task in batch), strict=True)
        sources, truths = (bench.decode(bench.encode(one)) for one in pairs)
        return cls(sources, truths, [Judge(task.edit) for task in batch])


@lru_cache(maxsize=2 * len(KINDS))
def _beside(bench: TinoBench, batch: Batch) -> Beside:
    """The same for every variant, so made once."""
    return Beside.of(bench, batch.tasks)


def judge(
    bench: TinoBench,
    batch: Sequence[Task],
    latents: Tensor,
    with_clip: bool = True,
    beside: Beside | None = None,
) -> np.ndarray:
    """METRICS of results (S, B, C, h, w) in LATENT scale, (S, B, METRICS)."""
    beside = beside or Beside.of(bench, batch)
    stages: list[np.ndarray] = []
    for number, stage in enumerate(latents):
        same = next((k for k in range(number) if torch.equal(latents[k], stage)), None)
        if same is not None:
            stages.append(stages[same])
            continue
        pictures = bench.decode(stage)
        truth = [
            (
                float(one.succeeded(picture)),
                edit_error(task, picture, wanted),
                background_mse(task, picture, source),
            )
            for one, task, picture, wanted, source in zip(
                beside.judges, batch, pictures, beside.truths, beside.sources, strict=True
            )
        ]
        near = similarities(bench, batch, pictures, with_clip)
        stages.append(np.concatenate([truth, near], axis=1))
    return np.stack(stages)


def _code_version() -> str:
    here = Path(__file__).resolve()
    files = [here, here.parents[2] / "embedded" / "world" / "success.py"]
    return digest(files)


def measured_at(bench: TinoBench, folder: Path, variant: Variant, batch: Batch) -> Path:
    """The file of what one piece of work is worth."""
    return path_of(
        folder / "measured" / f"{_code_version()}-{bench.judge_fingerprint}", variant, batch
    )


def measure_piece(bench: TinoBench, folder: Path, variant: Variant, batch: Batch) -> np.ndarray:
    """(S, B, METRICS) of one piece of work, measured now or before."""
    path = measured_at(bench, folder, variant, batch)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        result = load_result(path_of(folder, variant, batch))
        with torch.inference_mode():
            beside = _beside(bench, batch)
            worth = judge(bench, batch.tasks, result["latents"], variant.clip, beside)
        write_tensor_file(path, {"worth": torch.from_numpy(worth)}, {})
    return load_file(path)["worth"].numpy()


def measure_missing(
    bench: TinoBench, plan: Plan, root: Path, share: tuple[int, int] = (1, 1)
) -> None:
    """Measure what is not measured yet, split as `run_missing` is."""
    folder = plan.folder(bench, root)
    for variant, batch in plan.pieces()[share[0] - 1 :: share[1]]:
        measure_piece(bench, folder, variant, batch)
