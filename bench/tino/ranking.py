"""Does a loss rank the truth right? Clean pictures through the VAE, no model at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...embedded.world.rivals import rivals
from .models import TinoBench
from .setups import LOSS_TITLES, LOSSES
from .tables import markdown
from .tasks import Task, tasks

RIVALS = ("source", "colour", "shape", "object")


def rival_pictures(task: Task) -> dict[str, list[np.ndarray]]:
    """Wrong pictures of an edit that changes an object, by what is wrong with them."""
    scene = task.edit.scene
    made = rivals(scene, task.edit.edit).items()
    pictures = {name: [one.apply(scene).render() for one in some] for name, some in made}
    return {"source": [task.edit.source], **pictures}


@torch.inference_mode()
def shares(bench: TinoBench, some: Sequence[Task], loss: str) -> dict[str, float]:
    """How often the truth has a lower loss than a wrong picture of each sort, and than all."""
    into = bench.model.model.process_latent_in
    lower: dict[str, list[float]] = {name: [] for name in (*RIVALS, "all")}
    for task in some:
        total = bench.loss([task], setup=LOSSES[loss])(into(bench.encode([task.edit.source])))
        wrong = {name: pictures for name, pictures in rival_pictures(task).items() if pictures}
        pictures = [task.edit.target, *(one for some in wrong.values() for one in some)]
        values = [float(total(into(bench.encode([one])))) for one in pictures]
        truth, rest = values[0], iter(values[1:])
        beaten = {name: [truth < next(rest) for _ in some] for name, some in wrong.items()}
        for name, each in beaten.items():
            lower[name].append(float(np.mean(each)))
        lower["all"].append(float(all(all(each) for each in beaten.values())))
    return {name: 100 * float(np.mean(values)) for name, values in lower.items() if values}


def ranking_text(bench: TinoBench, number: int) -> str:
    """The section, over the first `number` recolourings and as many replacements."""
    columns = (*RIVALS, "all")
    lines = []
    for loss, title in LOSS_TITLES.items():
        cells = [title]
        for kind in ("recolour", "replace"):
            found = shares(bench, tasks(kind, range(number)), loss)
            cells += [f"{found[name]:.0f}" if name in found else "" for name in columns]
        lines.append(cells)
    head = ["loss", *(f"{kind}: {name}" for kind in ("recolour", "replace") for name in columns)]
    return f"""## Does a loss rank the truth right?

% of cases in which the true edit has a lower loss than the untouched source, than the same edit in
a wrong colour, in a wrong shape, on a wrong object, and than all of them. {number} test edits each,
clean pictures through the VAE.

{markdown(head, lines)}
"""
