"""BISSelect passes on candidates that differ where it is asked to."""

import pytest

from .test_criteria import edited
from .test_score import left_half, with_estimates

pytestmark = pytest.mark.comfy

BEST, TWIN, OTHER = (10.0, 1.0), (10.1, 1.1), (14.0, 1.2)


def test_a_diverse_top_k_passes_over_the_bests_twin(elect, scene, guiders):
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent)
    estimates = with_estimates(found, edited(scene, TWIN, OTHER, BEST))
    given = {"estimates": estimates, "mask": left_half(), "top_k": 2}
    twin, other, best = found.seeds
    by_rank = elect.select(found, **given)
    varied = elect.select(found, **given, diversity=0.9)
    assert by_rank[0].seeds == (best, twin)
    assert varied[0].seeds == (best, other)
    assert varied[1] == best
    assert varied.ui["elect"][0]["order"] == by_rank.ui["elect"][0]["order"] == [2, 0, 1]
    assert elect.select(found, **given, diversity=0.0)[0].seeds == (best, twin)


def test_the_choice_goes_before_diversity(elect, scene, guiders):
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent)
    mask = elect.relevance(found)[0]
    chosen = elect.select(found, relevance=mask, top_k=2, diversity=1.0, pick_seeds="5")
    assert chosen[0].seeds[0] == 5
    assert len(chosen[0].seeds) == 2
