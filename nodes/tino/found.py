"""What an optimisation found, as ComfyUI's types and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tino_core.guard import Guard
from ...tino_core.record import Optimised
from ...tino_core.tries import Election
from ..host.tino.continuous import Scale
from ..host.tino.optimising import Found


@dataclass(frozen=True)
class OptimisedNoise:
    """A NOISE that gives the noise that was found."""

    noise: Tensor
    seed: int

    def generate_noise(self, input_latent: dict) -> Tensor:
        """The noise for a latent of its own size."""
        given = tuple(input_latent["samples"].shape)
        if given != tuple(self.noise.shape):
            raise ValueError(
                f"noise: it was optimised for a latent of {tuple(self.noise.shape)}, got {given}."
            )
        return self.noise.clone()


def as_text(everything: Found, last: float) -> str:
    """What was elected and optimised: loss and timesteps (first step first) of each image."""
    found = everything.optimised
    lines = [] if everything.election is None else _election_lines(everything.election)
    for image, iteration in enumerate(found.chosen.tolist()):
        steps = ", ".join(f"{t:.1f}" for t in found.timesteps[image].flip(0).tolist())
        begin = ", ".join(f"{t:.1f}" for t in found.trajectory[0, image].flip(0).tolist())
        losses = found.losses[:, image]
        lines.append(
            f"image {image + 1}: iteration {iteration} of {len(losses) - 1}, loss "
            f"{float(losses[0]):.5f} -> {float(losses[iteration]):.5f}\n"
            f"timesteps of 0..{last:.0f}: {steps}\nat the start: {begin}"
        )
        if len(found.steps):
            lines.append(
                f"an update moved the noise by {float(found.steps[:, image].mean()):.3g} (L2, "
                f"mean); its own length is {float(found.noise[image].norm()):.3g}"
            )
    if found.nan_at is not None:
        lines.append(
            f"The loss was no number at iteration {found.nan_at}: stopped there, the best result "
            "before it is given. Lower lr_noise, or load the model in float32 or bfloat16."
        )
    if everything.stopped:
        lines.append(
            f"Stopped at iteration {len(found.losses) - 1}; the best so far is given. Queued again "
            "with the same inputs it is not run again: change one, such as the seed."
        )
    if everything.guard is not None:
        lines += _guard_lines(everything.guard)
    return "\n".join(lines)


def as_sigmas(scale: Scale, found: Optimised) -> Tensor:
    """The first image's noise levels as SIGMAS, ending in 0."""
    levels = scale.sigma(found.timesteps[0].flip(0).cpu())
    return torch.cat([levels, levels.new_zeros(1)])


def warning(guard: Guard) -> str:
    """Plain words where the loss prefers no edit; empty where it asks for one."""
    images = guard.prefers_no_edit.nonzero().flatten().tolist()
    if not images:
        return ""
    source, first = guard.totals()
    names = {name: f"{name}_weight" for name in ("semantic", "perceptual", "reference")}
    blamed = guard.blamed(images[0])
    return (
        f"This loss prefers no edit: untouched source {float(source[images[0]]):.3f}, first result "
        f"{float(first[images[0]]):.3f} (image {images[0] + 1}). Updates would undo the edit; "
        f"lower {names.get(blamed, blamed)}, or choose another text_loss."
    )


def _terms(terms: Mapping[str, Tensor], image: int) -> str:
    return ", ".join(f"{name} {float(value[image]):.3f}" for name, value in terms.items())


def _guard_lines(guard: Guard) -> list[str]:
    """Terms of source and first result, an image a line, and the warning."""
    lines = [
        f"image {image + 1}, weighted: untouched source {_terms(guard.source, image)}; "
        f"first result {_terms(guard.first, image)}"
        for image in range(len(guard.prefers_no_edit))
    ]
    return [*lines, *filter(None, [warning(guard)])]


def _election_lines(election: Election) -> list[str]:
    """Which first noise each image got, and how far the tries lay apart."""
    number = len(election.losses)
    return [
        f"image {image + 1}: try {elected + 1} of {number} elected (seed + {elected}), loss "
        f"{float(column.min()):.5f} of {float(column.min()):.5f} to {float(column.max()):.5f}"
        for image, (elected, column) in enumerate(
            zip(election.elected.tolist(), election.losses.T, strict=True)
        )
    ]
