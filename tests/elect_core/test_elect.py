"""The whole method: cheaper than Best-of-N, true to its seeds, and it saves the background."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core import (
    FORMS,
    background_inconsistency,
    classifier_free,
    euler,
    instruct_pix2pix,
)

from .toy_world import (
    MASK,
    SAMPLERS,
    SEEDS,
    SOURCE,
    World,
    leaning,
    plain,
    posterior_mean,
    run,
    seeded,
)


def test_guidance_rules_by_hand():
    p = {"text": torch.tensor(5.0), "null": torch.tensor(3.0), "none": torch.tensor(1.0)}
    assert float(classifier_free(7.5)(p)) == 3 + 7.5 * 2
    assert float(instruct_pix2pix(7.5, 1.5)(p)) == 1 + 1.5 * 2 + 7.5 * 2
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
