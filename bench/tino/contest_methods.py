"""What the contest runs: many first noises with every loss of each, and updates at several W."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ...nodes.host.tino.optimising import Watch, run
from ...nodes.tino.latent_models import FeatureModel
from ...tino_core.settings import Settings
from .methods import Inputs, Result, as_edit, noise_of_try
from .models import TinoBench
from .setups import LOSSES


def seeds(first: int, number: int, bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """W = 0 of several first noises, and every loss of each: latents (N, ...), losses (L, N, B).

    first: number of the first of them; rows of losses as in LOSSES
    """
    settings, shape = replace(settings, iterations=0), inputs.source.shape[1:]
    made = []
    for one in range(first, first + number):
        noise = noise_of_try(inputs.seeds, one, shape)
        made.append(
            run(as_edit(bench, replace(inputs, noise=noise), settings), settings, Watch())[0]
        )
    return {"latents": torch.stack(made), "losses": every_loss(bench, inputs, made)}


def every_loss(bench: TinoBench, inputs: Inputs, made: Sequence[Tensor]) -> Tensor:
    """The losses of results in LATENT scale, (L, N, B); what several compare is looked at once."""
    into, clip = bench.model.model.process_latent_in, remembering(bench.latent_clip)
    source = into(inputs.source)
    totals = [bench.loss(inputs.tasks, clip, setup)(source) for setup in LOSSES.values()]
    rows = []
    for one in made:
        x0 = into(one)
        rows.append(torch.stack([total(x0) for total in totals]))
    return torch.stack(rows, 1)


def remembering(model: FeatureModel) -> FeatureModel:
    """The same, that looks at a latent once while the next one is no other."""
    last: list[Tensor] = []

    def features(latent: Tensor) -> Tensor:
        if not last or last[0] is not latent:
            last[:] = [latent, model.features(latent)]
        return last[1]

    return replace(model, features=features)


def updates(marks: Sequence[int], bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """Latents: the lowest loss so far at each of the marks, from one run: it is what a run of so
    many iterations puts out.

    losses (W + 1, B); lengths (W, B): of each update, L2
    """
    settings = replace(settings, iterations=max(marks), keep_all=True, recompute=False)
    _, everything = run(as_edit(bench, inputs, settings), settings, Watch())
    found = everything.optimised
    if found.nan_at is not None:
        raise ValueError(f"the loss was no number at iteration {found.nan_at}")
    assert found.iterates is not None
    images, losses = torch.arange(len(inputs.source)), found.losses.cpu()
    best = [found.iterates[losses[: mark + 1].argmin(0), images] for mark in marks]
    out = bench.model.model.process_latent_out
    latents = torch.stack([out(one) for one in best])
    return {"latents": latents, "losses": losses, "lengths": found.steps.cpu()}


def first_only(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """W = 0 of the first noise, with every loss."""
    settings = replace(settings, iterations=0)
    made = [run(as_edit(bench, inputs, settings), settings, Watch())[0]]
    return {"latents": torch.stack(made), "losses": every_loss(bench, inputs, made)}


def begin_elected(inputs: Inputs, kept: Result) -> Inputs:
    """The inputs with each image's elected first noise, by what `seeds` kept of the same batch."""
    assert inputs.setup.tried is not None
    _, loss, number = inputs.setup.tried
    elected = kept["losses"][list(LOSSES).index(loss), :number].argmin(0)
    shape = inputs.source.shape[1:]
    noises = torch.stack([noise_of_try(inputs.seeds, n, shape) for n in range(number)])
    return replace(inputs, noise=noises[elected, torch.arange(len(elected))])
