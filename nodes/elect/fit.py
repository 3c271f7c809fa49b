"""Whether saved candidates may go on in a run: what it must have in common with their own."""

from __future__ import annotations

import torch
from torch import Tensor

from ..host.elect.fingerprint import described, difference
from ..host.elect.identity import made_with, run_facts
from ..host.elect.run import Run
from .stored import Stored

_SHOWN = {"conditionings": "guider: its conditioning", "model": "guider: its MODEL"}


def misfit(stored: Stored, run: Run) -> list[str]:
    """Raise ValueError naming the input that is another than the candidates ran with.

    Returns what differs by no more than rounding, in sentences.
    """
    now, rounded = run_facts(run), []
    if run.sigmas.shape != stored.sigmas.shape or not torch.equal(
        run.sigmas.cpu(), stored.sigmas.cpu()
    ):
        raise ValueError(
            f"sigmas: {_schedule(run.sigmas)}, but the candidates ran {_schedule(stored.sigmas)}. "
            "Give the schedule they were run with."
        )
    for name in ("sampler", "guider", "conditionings", "model", "latent_image", "null"):
        if name == "null" and run.null is None:
            continue  # its calls are on the tape
        found = difference(stored.facts.get(name), now.get(name))
        if found is None:
            continue
        where, rounding = found
        what = _SHOWN.get(name, f"{name}:")
        if not rounding:
            raise ValueError(
                f"{what} is not what the candidates ran with; it differs in {where}. Connect what "
                "they were run with, or sample them anew."
            )
        rounded.append(f"{what} differs by rounding in {where}.")
    return [*rounded, *_elsewhere(stored)]


def _elsewhere(stored: Stored) -> list[str]:
    found = difference(stored.made_with, described(made_with()))
    return [] if found is None else [f"Made with another version: {found[0]}."]


def _schedule(sigmas: Tensor) -> str:
    ends = f"{float(sigmas[0]):.4g} to {float(sigmas[-1]):.4g}" if len(sigmas) else "nothing"
    return f"{max(0, len(sigmas) - 1)} steps from {ends}"
