"""The whole method: cheaper than Best-of-N, true to its seeds, and it saves the background.

The toy world is exact: a mixture of Gaussians around two finished latents, one with the edit
alone and one whose background is wrecked too, has a known best denoiser.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensor,
    FakeTensorMode,
)
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from elect_tino.elect_core import (
    FORMS,
    Election,
    Tape,
    TapeModel,
    background_inconsistency,
    classifier_free,
    elect,
    euler,
    euler_ancestral,
    instruct_pix2pix,
)
from elect_tino.elect_core.elect import _answer, _sample
from elect_tino.elect_core.estimate import from_epsilon, from_flow
from elect_tino.elect_core.sampler import SeededNoise

S = 0.1
SHAPE = (4, 8, 8)
SEEDS = [21, 22, 23, 24]
GUIDE = classifier_free(2.0)
KARRAS = torch.cat([torch.linspace(10 ** (1 / 3), 0.1 ** (1 / 3), 20) ** 3, torch.zeros(1)])
MASK = torch.zeros(1, *SHAPE)
MASK[..., 2:6, 1:7] = 1
SOURCE = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(0))
WRECK = 1.5 * (1 - MASK)
CONDS = {
    "text": torch.cat([SOURCE + 2 * MASK, SOURCE + 2 * MASK + WRECK]),
    "null": torch.cat([SOURCE, SOURCE + WRECK]),
}
SAMPLERS = [euler, euler_ancestral]


def posterior_mean(x: Tensor, modes: Tensor, signal: float, sigma: Tensor) -> Tensor:
    """Best denoiser for x = signal * x0 + sigma * eps and equally likely Gaussians (s = S)."""
    modes = modes.to(x)
    spread = signal**2 * S**2 + sigma**2
    distances = (x[:, None] - signal * modes).flatten(2).double().square().sum(2)
    weights = (-distances / (2 * spread)).softmax(1).to(x.dtype)
    mean = (weights[..., None] * modes.flatten(1)).sum(1).reshape(x.shape)
    return mean + signal * S**2 / spread * (x - signal * mean)


class World:
    """The exact denoiser, counting the guider's calls (one for each row of a `text` call)."""

    def __init__(self):
        self.nfe = 0

    def __call__(self, x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        self.nfe += len(x) * (modes is CONDS["text"])
        return posterior_mean(x, modes, 1, sigma)


def seeded(seeds=SEEDS) -> Tensor:
    return SeededNoise(seeds, SHAPE, SOURCE)()


def leaning(*toward_wreck: float) -> Tensor:
    """Noise of one candidate each, pushed toward the wrecked background or away from it."""
    push = torch.tensor(toward_wreck).reshape(-1, 1, 1, 1) * (1 - MASK)
    return seeded(range(len(toward_wreck))) + push


def run(sampler=euler, seeds=SEEDS, world: Callable | None = None, **options) -> Election:
    return elect(world or World(), sampler, KARRAS, CONDS, GUIDE, SOURCE, seeds, **options)


def plain(sampler, seed: int, noise: Tensor | None = None) -> Tensor:
    """The sampler on the guided model, without a tape."""
    world, arguments = World(), {}

    def model(x: Tensor, sigma: Tensor) -> Tensor:
        return GUIDE({name: world(x, sigma, modes) for name, modes in CONDS.items()})

    if sampler is euler_ancestral:
        arguments["noise_sampler"] = SeededNoise([seed + 1], SHAPE, SOURCE)
    noise = seeded([seed]) if noise is None else noise
    return sampler(model, noise * KARRAS[0], KARRAS, **arguments)


def heun(model: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigmas: Tensor) -> Tensor:
    """Two calls a step, but for the last."""
    for sigma, sigma_next in pairwise(sigmas):
        d = (x - model(x, sigma)) / sigma
        ahead = x + d * (sigma_next - sigma)
        if sigma_next > 0:
            d = (d + (ahead - model(ahead, sigma_next)) / sigma_next) / 2
        x = x + d * (sigma_next - sigma)
    return x


def test_guidance_rules_by_hand():
    p = {"text": torch.tensor(5.0), "null": torch.tensor(3.0), "none": torch.tensor(2.0)}
    assert float(classifier_free(7.5)(p)) == 3 + 7.5 * 2
    assert float(instruct_pix2pix(7.5, 1.5)(p)) == 2 + 1.5 * 1 + 7.5 * 2
    assert instruct_pix2pix(1, 1)(p) == p["text"]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_seed_is_the_plain_sampler(sampler):
    world = World()
    election = run(sampler, [5], world)
    assert_close(election.latent, plain(sampler, 5))
    assert election.ranking.order == (0,)
    assert election.nfe == world.nfe == 20


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("stop", [0.1, 0.4, 1.0])
def test_elected_latent_is_that_seed_run_alone_to_the_end(sampler, stop):
    election = run(sampler, stop=stop)
    assert_close(election.latent, plain(sampler, SEEDS[election.ranking.elected]))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_estimates_do_not_depend_on_which_seeds_run_beside(sampler):
    together, fewer = run(sampler), run(sampler, [24, 22])
    assert_close(together.estimates[[3, 1]], fewer.estimates)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_stop_at_the_end_is_best_of_n(sampler):
    election = run(sampler, stop=1)
    finished = torch.cat([plain(sampler, seed) for seed in SEEDS])
    scores = background_inconsistency(SOURCE, finished, election.relevance)
    assert_close(election.scores, scores)
    best = int(scores.argmin())
    assert election.ranking.elected == best
    assert_close(election.latent, finished[best : best + 1])
    assert election.nfe == len(SEEDS) * 20


@pytest.mark.parametrize(("stop", "num_stop"), [(0.4, 8), (0.01, 1), (0.5, 10), (1.0, 20)])
@pytest.mark.parametrize("num_candidates", [1, 3])
def test_nfe_is_counted_as_n_to_the_stop_and_one_beyond(stop, num_stop, num_candidates):
    world = World()
    election = run(seeds=list(range(num_candidates)), world=world, stop=stop)
    assert election.nfe == world.nfe == num_candidates * num_stop + 20 - num_stop


def test_estimates_are_those_of_the_last_completed_step():
    seen = []

    def recording(model, x, sigmas):
        def kept(x: Tensor, sigma: Tensor) -> Tensor:
            seen.append(model(x, sigma))
            return seen[-1]

        return euler(kept, x, sigmas)

    election = run(recording, stop=0.4)
    assert_close(election.estimates, seen[7], rtol=0, atol=0)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("form", sorted(FORMS))
def test_seed_that_wrecks_the_background_is_not_elected(sampler, form):
    noise = leaning(0.5, 0.5, -0.5, 0.5)
    election = run(sampler, noise=noise, form=form)
    assert election.ranking.elected == 2
    background = ((election.latent - SOURCE).abs() * (1 - MASK)).sum() / (1 - MASK).sum()
    first = plain(sampler, SEEDS[0], noise[:1])
    wrecked = ((first - SOURCE).abs() * (1 - MASK)).sum() / (1 - MASK).sum()
    assert background < 0.2 < 1.4 < wrecked


@pytest.mark.parametrize("form", sorted(FORMS))
def test_relevance_finds_the_edit(form):
    relevance = run(noise=leaning(0.5, -0.5, -0.5, -0.5), form=form).relevance
    inside = MASK[:, :1] == 1
    assert relevance.shape == (1, 1, 8, 8)
    assert relevance[inside].min() > 0.8
    assert relevance[~inside].max() < 0.2


def test_relevance_reads_the_window_only():
    early, late = run(window=(0.0, 0.1)), run(window=(0.2, 0.3))
    assert not torch.equal(early.relevance, late.relevance)
    assert_close(run(window=(0.0, 0.05)).relevance, run(window=(0.0, 0.01)).relevance)


def test_bad_candidate_is_not_elected_and_spoils_no_other():
    noise = seeded()
    broken = noise.clone()
    broken[0, 0, 0, 0] = float("nan")
    election, others = run(noise=broken), run(seeds=SEEDS[1:], noise=noise[1:])
    assert bool(election.scores[0].isnan())
    assert_close(election.scores[1:], others.scores)
    assert election.ranking.elected == others.ranking.elected + 1
    assert_close(election.latent, others.latent)


def test_model_that_answers_nan_is_a_clear_error():
    with pytest.raises(ValueError, match="every candidate's map holds a NaN"):
        run(world=lambda x, sigma, modes: x * math.nan)


def test_minimum_edit_passes_over_the_candidate_without_an_edit():
    def lazy(x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        """Candidate 1 leaves the source as it is."""
        edited = posterior_mean(x, modes[:1], 1, sigma)
        unedited = posterior_mean(x, SOURCE, 1, sigma)
        return torch.where(torch.arange(len(x)).reshape(-1, 1, 1, 1) == 1, unedited, edited)

    assert run(world=lazy).ranking.elected == 1
    guarded = run(world=lazy, minimum_edit=0.5)
    assert guarded.ranking.elected != 1
    assert guarded.ranking.num_eligible == 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions_elect_the_same_candidate(dtype):
    noise = leaning(0.5, 0.5, -0.5, 0.5)
    election = elect(
        World(), euler, KARRAS, CONDS, GUIDE, SOURCE.to(dtype), SEEDS, noise=noise.to(dtype)
    )
    assert election.latent.dtype == dtype
    assert election.ranking.elected == 2
    assert_close(election.latent.float(), run(noise=noise).latent, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_noise_drawn_from_the_seeds_takes_the_sources_dtype(sampler):
    source = SOURCE.bfloat16()
    election = elect(World(), sampler, KARRAS, CONDS, GUIDE, source, SEEDS)
    assert election.latent.dtype == torch.bfloat16


def test_flow_model_runs_alike():
    sigmas, world = torch.linspace(1, 0, 21), World()

    def denoise(x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        mean = posterior_mean(x, modes, 1 - float(sigma), sigma)
        world.nfe += len(x) * (modes is CONDS["text"])
        return from_flow(x, sigma, (x - mean) / sigma)

    noise = leaning(0.5, 0.5, -0.5, 0.5)
    election = elect(
        denoise, euler, sigmas, CONDS, classifier_free(1.0), SOURCE, SEEDS, noise=noise
    )
    assert election.ranking.elected == 2
    assert_close(election.latent, CONDS["text"][:1], rtol=0, atol=0.5)
    assert election.nfe == world.nfe == 4 * 8 + 12


def test_video_latents_pass_through():
    def frames(latent: Tensor) -> Tensor:
        return latent.unsqueeze(2).repeat(1, 1, 3, 1, 1)

    conds = {name: frames(modes) for name, modes in CONDS.items()}
    noise = frames(leaning(0.5, -0.5))
    election = elect(World(), euler, KARRAS, conds, GUIDE, frames(SOURCE), [1, 2], noise=noise)
    assert election.latent.shape == (1, 4, 3, 8, 8)
    assert election.relevance.shape == (1, 1, 3, 8, 8)
    assert election.ranking.elected == 1


def test_sampler_with_two_calls_a_step_is_resumed_exactly():
    world = World()
    election = run(heun, world=world)
    assert_close(election.latent, plain(heun, SEEDS[election.ranking.elected]))
    assert election.nfe == world.nfe


def test_level_rounded_to_the_latents_dtype_still_ends_its_step():
    sigmas = torch.tensor([10.0, 7.03, 5.03, 3.014, 1.004, 0.0])
    assert bool((sigmas[1:-1].bfloat16() > sigmas[1:-1]).all())

    def in_dtype_of_x(model, x, sigmas):
        return euler(lambda x, sigma: model(x, sigma * x.new_ones(len(x))), x, sigmas)

    world = World()

    def denoise(x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        assert sigma.dtype == torch.bfloat16
        return world(x, sigma[0], modes)

    source = SOURCE.bfloat16()
    election = elect(denoise, in_dtype_of_x, sigmas, CONDS, GUIDE, source, SEEDS, stop=0.4)
    assert election.nfe == world.nfe == 4 * 2 + 3


def test_samplers_own_noise_is_left_alone():
    silent = partial(euler_ancestral, noise_sampler=lambda *_: torch.zeros(()))
    election = run(silent, [3])
    assert_close(election.latent, plain(silent, 3))


def test_weights_that_want_gradients_leave_no_graph_behind():
    weight = torch.ones((), requires_grad=True)
    election = run(world=lambda x, sigma, modes: weight * World()(x, sigma, modes))
    assert not election.latent.requires_grad
    assert not election.estimates.requires_grad


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stop": 0.0}, "stop: "),
        ({"stop": 1.1}, "stop: "),
        ({"window": (0.6, 0.8)}, "relevance window: .* Lower window_start or raise stop"),
        ({"window": (0.2, 0.1)}, "window_start < window_end"),
    ],
)
def test_bad_fractions_are_refused_before_the_first_call(options, message):
    world = World()
    with pytest.raises(ValueError, match=message):
        run(world=world, **options)
    assert world.nfe == 0


class StaysOnDevice(TorchDispatchMode):
    """Refuses what takes a device's values to the host; reading one off raises by itself."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        on_gpu = any(isinstance(a, FakeTensor) and a.is_cuda for a in tree_leaves(args))
        if on_gpu and any(isinstance(r, Tensor) and not r.is_cuda for r in tree_leaves(result)):
            raise AssertionError(f"{func} brings values to the host")
        return result


def fake_gpu(*shape: int) -> Tensor:
    """A tensor without values on a GPU that need not be there."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        return torch.empty(shape, device="cuda")


@pytest.mark.parametrize(
    "read", [lambda x: float(x.mean()), lambda x: x.cpu(), lambda x: bool(x.isfinite().all())]
)
def test_the_guard_notices_a_read(read):
    with pytest.raises((AssertionError, DataDependentOutputException)), StaysOnDevice():
        read(fake_gpu(2, 4, 8, 8))


@pytest.mark.parametrize("stop", [8, None])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_steps_never_read_the_device(sampler, stop):
    noise, tape = fake_gpu(4, *SHAPE), Tape()
    if sampler is euler_ancestral:
        sampler = partial(euler_ancestral, noise_sampler=lambda *_: noise)

    def denoise(x: Tensor, sigma: Tensor, shift: float) -> Tensor:
        return from_epsilon(x, sigma, x * shift)

    model = _answer(denoise, {"text": 0.5, "null": 0.25}, GUIDE)
    with StaysOnDevice():
        latent = _sample(sampler, TapeModel(model, tape, stop), noise, KARRAS, SEEDS)
    assert (latent is None) == (stop is not None)
    assert len(tape.steps) == len(tape.calls) == (stop or 20)
    assert all(answer["relevance"].is_cuda for answer in tape.calls)
