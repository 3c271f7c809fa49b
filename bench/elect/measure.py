"""What each finished candidate is worth by the ground truth, and every policy's scores."""

import hashlib
import importlib.util
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from ...elect_core.relevance import FORMS, aggregate
from ...elect_core.schedule import step_count, window_steps
from ...elect_core.score import background_inconsistency
from ...elect_core.selection import rank
from ...embedded.world.samples import Sample
from ...embedded.world.success import Judge
from ...nodes.host.latents import mask_like, to_mask
from ..edits import EditBench, benchmark_edit
from .runs import EditRun, load_run

STOPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0)
NUMBERS = (2, 4, 8, 16)
MASKS = (*FORMS, "truth")
SPACES = ("latent", "pixel")
PIXEL_STOPS = (0.4, 1.0)  # decoding sixteen estimates costs more than all scores together
METRICS = ("mse", "psnr", "ssim", "lpips", "success", "no_edit")
WINDOW = (0.0, 0.2)
_NO_EDIT = 0.25


@dataclass(frozen=True)
class Measured:
    """All that the policies need of one edit.

    worth (N, METRICS): of each candidate's finished picture
    elected: (mask, space, stop, number) -> elected candidate of each disjoint group of `number`
    iou (FORMS,): of the relevance map, at the threshold that marks as many pixels as the truth
    """

    worth: np.ndarray
    elected: dict[tuple[str, str, float, int], list[int]]
    iou: np.ndarray


@cache
def _lpips():
    """LPIPS (AlexNet), or None: its backbone's weights are used where present, never fetched."""
    backbone = Path(torch.hub.get_dir()) / "checkpoints" / "alexnet-owt-7be5be79.pth"
    if importlib.util.find_spec("lpips") is None or not backbone.exists():
        return None
    lpips = importlib.import_module("lpips")
    return lpips.LPIPS(net="alex", verbose=False).eval()


def _perceptual(picture: np.ndarray, source: np.ndarray, outside: np.ndarray) -> float:
    """LPIPS x1e3 of the background: the edited region is the source's in both; NaN if absent."""
    network = _lpips()
    if network is None:
        return float("nan")
    pasted = np.where(outside[..., None], picture, source)
    pair = [torch.from_numpy(p).movedim(-1, 0)[None].float() * 2 - 1 for p in (pasted, source)]
    return float(network(*pair)) * 1e3


def judge_pictures(edit: Sample, pictures: np.ndarray, source: np.ndarray) -> np.ndarray:
    """METRICS of each picture (N, H, W, 3), (N, METRICS).

    source (H, W, 3): the decoded encoding of the source picture, so that the VAE's own loss
    counts for nobody. mse is x1e4, lpips x1e3; these, psnr and ssim are taken outside the true
    mask. no_edit: the change inside it is under a quarter of what the true edit makes.
    """
    outside, inside = edit.mask == 0, edit.mask > 0
    judge = Judge(edit)
    needed = np.abs(edit.target - edit.source)[inside].mean()
    rows = []
    for picture in pictures:
        mse = float(np.square(picture - source)[outside].mean())
        ssim = structural_similarity(picture, source, channel_axis=2, data_range=1.0, full=True)[1]
        change = np.abs(picture - source)[inside].mean()
        rows.append(
            (
                mse * 1e4,
                10 * np.log10(1 / max(mse, 1e-10)),
                float(ssim[outside].mean()),
                _perceptual(picture, source, outside),
                float(judge.succeeded(picture)),
                float(change < _NO_EDIT * needed),
            )
        )
    return np.array(rows)


class _Weights:
    """Edit masks of one edit as the nodes use them, each made once."""

    def __init__(self, edit: Sample, run: EditRun):
        self.run = run
        self.size = edit.mask.shape
        self.truth = torch.from_numpy(edit.mask)[None]

    @cache  # noqa: B019 - lives as long as the edit is measured
    def mask(self, form: str, rows: tuple[int, ...], steps: range) -> Tensor:
        """MASK (1, H, W) of some candidates over a window, or the truth."""
        if form == "truth":
            return self.truth
        maps = [self.run.maps[step][list(rows)] for step in steps]
        return to_mask(aggregate(maps, form), *self.size)

    @cache  # noqa: B019
    def weight(self, form: str, rows: tuple[int, ...], steps: range, shape: torch.Size) -> Tensor:
        """The mask at the size of what is scored."""
        return mask_like(self.mask(form, rows, steps), torch.empty(shape))


def _iou(mask: Tensor, truth: Tensor) -> float:
    up = mask.flatten()
    count = int(truth.sum())
    marked = torch.zeros_like(up)
    marked[up.topk(count).indices] = 1
    both = float((marked * truth.flatten()).sum())
    return both / (2 * count - both)


def _groups(number: int, num_candidates: int) -> list[tuple[int, ...]]:
    starts = range(0, num_candidates - number + 1, number)
    return [tuple(range(first, first + number)) for first in starts]


def elections(
    bench: EditBench,
    weights: _Weights,
    source: Tensor,
    finished: Tensor,
    stops: Sequence[float],
) -> dict[tuple[str, str, float, int], list[int]]:
    """Who is elected under every mask, space, stop and number of candidates.

    source (1, C, h, w): LATENT scale; finished (N, 3, H, W): the decoded last estimates
    """
    estimates = weights.run.estimates
    num_steps, num_candidates = estimates.shape[:2]
    scale = bench.model.model.process_latent_in
    origin = {"latent": scale(source), "pixel": _chw(bench, source)}
    found: dict[tuple[str, str, float, int], list[int]] = {}
    for stop, space in itertools.product(stops, SPACES):
        if space == "pixel" and stop not in PIXEL_STOPS:
            continue
        stop_step = step_count(stop, num_steps)
        steps = window_steps(*WINDOW, num_steps, stop_step)
        # The score of a change against no change is the score itself; taken once for all masks.
        latents = estimates[stop_step - 1]
        if space == "latent":
            shown = scale(latents)
        else:
            shown = finished if stop_step == num_steps else _chw(bench, latents)
        change = (shown - origin[space]).abs().mean(1, keepdim=True)
        none = torch.zeros_like(change[:1])
        for number, mask in itertools.product(NUMBERS, MASKS):
            for rows in _groups(number, num_candidates):
                weight = weights.weight(mask, rows, steps, change.shape)
                scores = background_inconsistency(none, change[list(rows)], weight)
                elected = rows[rank(scores).elected]
                found.setdefault((mask, space, stop, number), []).append(elected)
    return found


def _chw(bench: EditBench, latents: Tensor) -> Tensor:
    return bench.decode(latents).movedim(-1, 1)


@cache
def _code_version() -> str:
    """Names the code that scores, so that what older code measured is not taken for its own."""
    here = Path(__file__).resolve().parent
    files = [here / "measure.py", *sorted((here.parents[1] / "elect_core").glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def measure_edit(
    bench: EditBench, index: int, folder: Path, stops: Sequence[float] = STOPS
) -> Measured:
    """Measure one edit, or read what was measured before."""
    path = folder / f"{index:04}.{_code_version()}-{bench.fingerprint('vae')}.pt"
    if path.exists():
        worth, elected, iou = torch.load(path, weights_only=True).values()
        return Measured(worth.numpy(), elected, iou.numpy())
    edit, run = benchmark_edit(index), load_run(folder, index)
    with torch.inference_mode():
        latent = bench.source_latent(edit)
        finished = _chw(bench, run.estimates[-1])
        pictures = finished.movedim(1, -1).clamp(0, 1).numpy()
        source = bench.decode(latent)[0].clamp(0, 1).numpy()
        weights = _Weights(edit, run)
        elected = elections(bench, weights, latent, finished, stops)
        num_steps, num_candidates = run.estimates.shape[:2]
        everyone, steps = tuple(range(num_candidates)), window_steps(*WINDOW, num_steps, num_steps)
        masks = [weights.mask(form, everyone, steps) for form in FORMS]
        iou = [_iou(mask, weights.truth) for mask in masks]
    measured = Measured(judge_pictures(edit, pictures, source), elected, np.array(iou))
    kept = {
        "worth": torch.from_numpy(measured.worth),
        "elected": measured.elected,
        "iou": torch.from_numpy(measured.iou),
    }
    torch.save(kept, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)
    return measured
