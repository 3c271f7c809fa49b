"""TiNO-Edit, its ablations, SDEdit and Blended Latent Diffusion, each on a batch of tasks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import comfy.samplers
import torch
from torch import Tensor

from ...nodes.host.tino.edit import Edit, EditLoss
from ...nodes.host.tino.optimising import Watch, run
from ...tino_core.denoise import initial_timesteps
from ...tino_core.schedule import NoiseSchedule
from ...tino_core.settings import Settings
from .blended import BlendedDiffusion, noises
from .models import TinoBench
from .setups import PAPERS, Setup, true_error
from .tasks import KINDS, TEST, Task, tasks

MARK = 10  # iterations between two results that are kept


@dataclass(frozen=True)
class Batch:
    """Tasks of one kind and split that run side by side."""

    kind: str
    indices: range
    split: str = TEST

    @property
    def tasks(self) -> list[Task]:
        """The edits themselves."""
        return tasks(self.kind, self.indices, self.split)

    @property
    def name(self) -> str:
        """Of its file."""
        split = "" if self.split == TEST else f"{self.split}-"
        return f"{split}{self.kind}-{self.indices.start:03}-{self.indices.stop:03}"

    @property
    def seeds(self) -> list[int]:
        """One a task, whatever else is in the batch."""
        return [10_000 * KINDS.index(self.kind) + index for index in self.indices]


@dataclass(frozen=True)
class Inputs:
    """A batch as latents: source, start, noise (B, C, h, w) and mask (B, 1, h, w), LATENT scale.

    cfg: guidance; setup: the loss; noise: of the first try
    """

    tasks: Sequence[Task]
    seeds: list[int]
    source: Tensor
    start: Tensor | None
    mask: Tensor
    noise: Tensor
    positive: list
    negative: list | None
    cfg: float = 1.0
    setup: Setup = PAPERS


Result = dict[str, Tensor]
"""latents (S, B, C, h, w) in LATENT scale; TiNO-Edit's has more.

losses (W + 1, B); trajectory (W + 1, B, K); noise (W + 1, B, 4): minimum, maximum, mean, and root
mean square of the change, inside the mask; chosen (B,): iteration of the lowest loss
"""

Method = Callable[[TinoBench, Inputs, Settings], Result]


def marks(iterations: int) -> list[int]:
    """Iterations W whose results are kept."""
    return sorted({*range(0, iterations + 1, MARK), iterations})


def read_batch(
    bench: TinoBench, batch: Batch, tasks: Sequence[Task], setup: Setup = PAPERS
) -> Inputs:
    """Encode the pictures and texts of a batch."""
    cfg = bench.cfg if setup.cfg is None else setup.cfg
    source = bench.encode([task.edit.source for task in tasks])
    starts = [task.start for task in tasks if task.start is not None]
    return Inputs(
        tasks,
        batch.seeds,
        source,
        bench.encode(starts) if starts else None,
        bench.masks(tasks, source),
        noise_of_try(batch.seeds, 0, source.shape[1:]),
        bench.conditioning([task.edit.caption for task in tasks]),
        bench.conditioning([""] * len(tasks)) if cfg != 1 else None,
        cfg,
        setup,
    )


def noise_of_try(seeds: Sequence[int], number: int, shape: torch.Size) -> Tensor:
    """First noises (B, C, h, w) of one try; try 0 is what every method begins with."""
    return noises([seed + 1_000_000 * number for seed in seeds], shape)()


def as_edit(bench: TinoBench, inputs: Inputs, settings: Settings) -> Edit:
    """The batch as Algorithm 1 takes it."""
    setup, shape = inputs.setup, inputs.source.shape[1:]
    tries = range(1, setup.tries)
    captions = [task.edit.source_caption for task in inputs.tasks]
    return Edit(
        bench.unet(setup.model),
        inputs.positive,
        inputs.negative,
        inputs.cfg,
        {"samples": inputs.source},
        None if inputs.start is None else {"samples": inputs.start},
        inputs.mask,
        inputs.noise,
        _loss(bench, inputs) if settings.iterations else None,
        [noise_of_try(inputs.seeds, number, shape) for number in tries],
        bench.conditioning(captions) if setup.inverted else None,
    )


def _loss(bench: TinoBench, inputs: Inputs) -> EditLoss:
    if not inputs.setup.truth:
        return bench.loss(inputs.tasks, setup=inputs.setup)
    latents = bench.encode([task.edit.target for task in inputs.tasks])
    return true_error(bench.model.model.process_latent_in(latents), inputs.mask)


def _noise_figures(noises: Tensor, mask: Tensor) -> Tensor:
    """Figures (W + 1, B, 4) of N (W + 1, B, C, h, w) inside the mask, as `Result` says."""
    inside = (mask > 0).expand_as(noises[0]).flatten(1)
    noises = noises.flatten(2)
    count = inside.sum(1)
    low, high = (noises.where(inside, sign * torch.inf) for sign in (1, -1))
    mean = noises.where(inside, 0).sum(2) / count
    change = (noises - noises[0]).square().where(inside, 0).sum(2) / count
    return torch.stack([low.amin(2), high.amax(2), mean, change.sqrt()], 2)


def tino(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """Latents: one for each of `marks`, and last the lowest loss of all iterations."""
    # The model is small: keeping its activations costs 2 GB and saves a third of the time.
    settings = replace(settings, keep_all=True, recompute=False)
    best, everything = run(as_edit(bench, inputs, settings), settings, Watch())
    found = everything.optimised
    if found.nan_at is not None:
        raise ValueError(f"the loss was no number at iteration {found.nan_at}")
    assert found.iterates is not None
    assert found.noises is not None
    kept = found.iterates[marks(settings.iterations)]
    kept = torch.stack([bench.model.model.process_latent_out(latents) for latents in kept])
    return {
        "latents": torch.cat([kept, best[None]]),
        "losses": found.losses.cpu(),
        "trajectory": found.trajectory.cpu(),
        "noise": _noise_figures(found.noises, inputs.mask),
        "chosen": found.chosen.cpu(),
    }


def without_mask(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """TiNO-Edit that may change everything."""
    return tino(bench, replace(inputs, mask=torch.ones_like(inputs.mask)), settings)


def sdedit(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """SDEdit: noise and denoise, without a mask."""
    settings = replace(settings, iterations=0)
    inputs = replace(inputs, mask=torch.ones_like(inputs.mask))
    latents, _ = run(as_edit(bench, inputs, settings), settings, Watch())
    return {"latents": latents[None]}


def falling_sigmas(bench: TinoBench, settings: Settings) -> Tensor:
    """Noise levels of the first t_k, falling to 0, (K + 1,)."""
    sampling = bench.model.get_model_object("model_sampling")
    schedule = NoiseSchedule(torch.sigmoid(-2 * sampling.log_sigmas.double()))
    timesteps = initial_timesteps(settings, schedule, 1)[0].flip(0)
    return torch.cat([sampling.sigma(timesteps), torch.zeros(1)])


def bld(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """Blended Latent Diffusion."""
    guider = comfy.samplers.CFGGuider(bench.model)
    guider.inner_set_conds({"positive": inputs.positive})
    if inputs.negative is not None:
        guider.inner_set_conds({"negative": inputs.negative})
    guider.set_cfg(inputs.cfg)
    sampler = BlendedDiffusion(inputs.start, inputs.mask, inputs.seeds)
    sigmas = falling_sigmas(bench, settings)
    return {"latents": guider.sample(inputs.noise, inputs.source, sampler, sigmas)[None].cpu()}


def nothing_done(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """What the methods start from: the strokes, the composite, else the source."""
    start = inputs.source if inputs.start is None else inputs.start
    return {"latents": start[None]}


def truth(bench: TinoBench, inputs: Inputs, settings: Settings) -> Result:
    """The true edit, encoded: the most that any method can reach."""
    return {"latents": bench.encode([task.edit.target for task in inputs.tasks])[None]}
