"""What a finish with the source kept is worth: by success, quality and seam, not background alone.

For one seed and for whom the default elects: the picture as it is, the source pasted back by a hard
cut of the relevance map, FinishClean, and the source blended back in the steps after the stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from skimage.filters import threshold_otsu
from torch import Tensor

from ...elect_core.schedule import step_count
from ...embedded.world.samples import Sample
from ...nodes.elect.finishing import EDITED_FROM, Otherwise, pasted_into, soft_weight
from ...nodes.host.elect.finish import resume
from ...nodes.host.elect.run import record
from ...tensor_files import written_whole
from ..digest import digest
from ..edits import EditBench
from .measure import Weights, measure_edit
from .rules import SAFE
from .runs import EditRun, load_run, seed_of
from .worth import METRICS, judge_pictures

STOP, FEATHER = 0.4, 16
NUM_SEEDS = 4
"""Of each edit, that stand for one seed."""
WAYS = {
    "plain": "as it is",
    "cut": "source pasted back, hard edge",
    "clean": "*FinishClean*",
    "blended": "source blended back in the steps after the stop",
    "both": "blended back, then *FinishClean*",
}
COLUMNS = ("success", "no_edit", "background", "error", "seam")


def seam(picture: np.ndarray, known: Sequence[np.ndarray], weight: np.ndarray) -> float:
    """Edges that none of the known pictures has, where edit and source meet; mean, of 255.

    picture, known (H, W, 3): in [0, 1]; weight (H, W): share of the edit; both meet where it passes
    one half.  0 where it does nowhere.
    """
    found: list[np.ndarray] = []
    for axis in (0, 1):
        own, *others = (np.abs(np.diff(one, axis=axis)).mean(-1) for one in (picture, *known))
        at = np.diff(weight > 0.5, axis=axis)
        found.append(np.maximum(own - np.maximum.reduce(others), 0)[at])
    pairs = np.concatenate(found)
    return float(pairs.mean() * 255) if pairs.size else 0.0


def worth(edit: Sample, pictures: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """COLUMNS of pictures (N, H, W, 3), (N, COLUMNS): all against the pictures themselves.

    So the VAE's own loss counts here, which pasting the source back undoes.
    """
    judged = judge_pictures(edit, pictures, edit.source)
    columns = judged[:, [METRICS.index(one) for one in ("success", "no_edit", "mse")]]
    inside = edit.mask > 0
    error = np.square(pictures - edit.target)[:, inside].mean((1, 2)) * 1e4
    seams = [
        seam(one, (edit.source, edit.target), weight)
        for one, weight in zip(pictures, weights, strict=True)
    ]
    return np.column_stack([columns, error, seams])


def blended(bench: EditBench, edit: Sample, seed: int, mask: Tensor) -> Tensor:
    """A seed run to the stop, then on with the source kept outside the mask; LATENT scale."""
    run = bench.run(edit, "euler")
    stop_step = step_count(STOP, run.num_steps)
    tape, _ = record(run, [seed], stop_step, 1, lambda *_: None)
    change = Otherwise(blend_mask=mask, feather=FEATHER).change(run)
    return resume(run, [seed], tape, lambda *_: None, change=change)[1]


def ways(bench: EditBench, edit: Sample, index: int, run: EditRun, row: int, mask: Tensor):
    """The pictures (H, W, 3) of one candidate in all WAYS, and the weight of the edit in each.

    row: the candidate's; mask (1, H, W): its relevance map
    """
    source = torch.from_numpy(edit.source)[None]
    plain = bench.decode(run.estimates[-1][[row]]).clamp(0, 1)
    held = bench.decode(blended(bench, edit, seed_of(index, row), mask)).clamp(0, 1)
    soft = soft_weight(mask, FEATHER, plain, EDITED_FROM)
    hard = (mask > threshold_otsu(mask.numpy())).float()
    clean, both = (pasted_into(source, one, soft, True) for one in (plain, held))
    pictures = (plain, pasted_into(source, plain, hard, False), clean, held, both)
    return [one[0].numpy() for one in pictures], [w[0].numpy() for w in (soft, hard, *3 * [soft])]


@dataclass(frozen=True)
class Finished:
    """One edit's COLUMNS: of one seed and of the elected, (WAYS, COLUMNS) each, and of bounds.

    coded (COLUMNS,): the true edit through the VAE; untouched (COLUMNS,): the source
    """

    seed: np.ndarray
    elected: np.ndarray
    coded: np.ndarray
    untouched: np.ndarray


@cache
def _code_version() -> str:
    """Names the code that finishes, so that what older code measured is not taken for its own."""
    here = Path(__file__).resolve()
    core = here.parents[2] / "elect_core"
    files = (here, core / "blend.py", here.parents[2] / "nodes" / "elect" / "finishing.py")
    return digest(files)


@torch.inference_mode()
def finished(bench: EditBench, index: int, folder: Path) -> Finished:
    """Measure one edit, or read what was measured before."""
    path = folder / f"{index:04}.finish-{_code_version()}-{bench.fingerprint('vae')}.pt"
    if path.exists():
        kept = torch.load(path, weights_only=True)
        return Finished(**{name: values.numpy() for name, values in kept.items()})
    edit, run = bench.edit(index), load_run(folder, index)
    weights = Weights(edit, run, bench.source_latent(edit), bench.model.model.process_latent_in)
    every = tuple(range(run.estimates.shape[1]))
    elected = measure_edit(bench, index, folder).elected[SAFE, STOP, len(every)][0]

    def of(row: int, seen: tuple[int, ...]) -> np.ndarray:
        mask = weights.mask("paper", seen, step_count(STOP, len(run.estimates)))
        pictures, lines = ways(bench, edit, index, run, row, mask)
        return worth(edit, np.stack(pictures), lines)

    coded = bench.decode(bench.vae.encode(torch.from_numpy(edit.target)[None])).clamp(0, 1)
    bounds = np.stack([coded[0].numpy(), edit.source])
    around = weights.mask("paper", every, step_count(STOP, len(run.estimates)))
    line = soft_weight(around, FEATHER, coded, EDITED_FROM)[0].numpy()
    found = Finished(
        np.mean([of(row, (row,)) for row in every[:NUM_SEEDS]], 0),
        of(elected, every),
        *worth(edit, bounds, [line, line]),
    )
    with written_whole(path) as part:
        torch.save({name: torch.from_numpy(one) for name, one in vars(found).items()}, part)
    return found
