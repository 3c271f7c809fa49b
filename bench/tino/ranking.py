"""Does a loss rank the truth right? Clean pictures through the VAE, no model at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ...embedded.world.rivals import SORTS, behind, wrong_pictures
from .models import TinoBench
from .setups import EVERY_LOSS, EVERY_TITLE
from .tables import markdown
from .tasks import Task, tasks


@torch.inference_mode()
def shares(bench: TinoBench, some: Sequence[Task]) -> dict[str, dict[str, float]]:
    """By loss: how often the truth has a lower one than a wrong picture of each sort, and all."""
    into = bench.model.model.process_latent_in
    lower: dict[str, dict[str, list[float]]] = {
        loss: {name: [] for name in (*SORTS, "all")} for loss in EVERY_LOSS
    }
    for task in some:
        wrong = {name: pictures for name, pictures in wrong_pictures(task.edit).items() if pictures}
        pictures = [task.edit.target, *(one for some in wrong.values() for one in some)]
        latents, source = into(bench.encode(pictures)), into(bench.encode([task.edit.source]))
        for loss, setup in EVERY_LOSS.items():
            total = bench.loss([task], setup=setup)(source)
            values = [float(total(one[None])) for one in latents]
            _count(lower[loss], values[0], iter(values[1:]), wrong)
    return {
        loss: {name: 100 * float(np.mean(each)) for name, each in found.items() if each}
        for loss, found in lower.items()
    }


def _count(
    lower: dict[str, list[float]], truth: float, rest: Iterator[float], wrong: dict[str, list]
) -> None:
    """Add one edit's shares; rest: the losses of the wrong pictures in their order."""
    beaten = behind(truth, rest, wrong)
    for name, each in beaten.items():
        lower[name].append(float(np.mean(each)))
    lower["all"].append(float(all(all(each) for each in beaten.values())))


def _cell(found: dict[str, float], name: str) -> str:
    """Empty where no edit had a wrong picture of the sort."""
    return f"{found[name]:.0f}" if name in found else ""


def ranking_text(bench: TinoBench, number: int) -> str:
    """The section, over the first `number` recolourings and as many replacements."""
    columns, kinds = (*SORTS, "all"), ("recolour", "replace")
    found = {kind: shares(bench, tasks(kind, range(number))) for kind in kinds}
    lines = [
        [title, *(_cell(found[kind][loss], name) for kind in kinds for name in columns)]
        for loss, title in EVERY_TITLE.items()
    ]
    head = ["loss", *(f"{kind}: {name}" for kind in kinds for name in columns)]
    return f"""## Does a loss rank the truth right?

% of cases in which the true edit has a lower loss than the untouched source, than the same edit in
a wrong colour, in a wrong shape, on a wrong object, and than all of them. {number} test edits each,
clean pictures through the VAE.

{markdown(head, lines)}
"""
