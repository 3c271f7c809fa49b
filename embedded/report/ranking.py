"""Does a critic rank the truth right? By the loss towards the target, no model in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ...tino_core.losses import towards_loss
from ..model.observers import load_teacher_text
from ..world.rivals import SORTS, behind, wrong_pictures
from ..world.samples import Sample, sample

KINDS = ("recolour", "replace")
Critic = Callable[[Tensor], Tensor]
"""Features (N, D) of pictures (N, 3, H, W) in [0, 1], in the space of the texts."""
Texts = Callable[[list[str]], Tensor]


def edits_of(kind: str, split: str, count: int) -> Iterator[Sample]:
    """The first `count` edits of a kind."""
    index = found = 0
    while found < count:
        edit = sample(split, index)
        index += 1
        if edit.edit.kind == kind:
            found += 1
            yield edit


@torch.no_grad()
def beaten(edit: Sample, critics: dict[str, Critic], say: Texts) -> dict[str, dict[str, float]]:
    """By critic: of the wrong pictures of each sort, the share that has a higher loss."""
    wrong = {sort: some for sort, some in wrong_pictures(edit).items() if some}
    pictures = np.stack([edit.target, *(one for some in wrong.values() for one in some)])
    texts = say([edit.source_caption, edit.caption])
    shown = torch.from_numpy(pictures).movedim(-1, 1).float()
    found = {}
    for name, critic in critics.items():
        features = critic(shown)
        truth, *rest = towards_loss(features, features, texts[:1], texts[1:]).tolist()
        won = behind(truth, rest, wrong)
        found[name] = {sort: float(np.mean(each)) for sort, each in won.items()}
    return found


def _percent(shares: list[float]) -> str:
    """Empty where no edit had a wrong picture of the sort."""
    return f"{100 * float(np.mean(shares)):.1f}" if shares else ""


def ranking(critics: dict[str, Critic], split: str, count: int) -> list[list[str]]:
    """A row for every critic and kind: % of wrong pictures of each sort behind the truth."""
    rows, say = [], load_teacher_text()
    for kind in KINDS:
        found = [beaten(edit, critics, say) for edit in edits_of(kind, split, count)]
        for name in critics:
            each = ([one[name][s] for one in found if s in one[name]] for s in SORTS)
            rows.append([name, kind, *(_percent(some) for some in each)])
    return rows
