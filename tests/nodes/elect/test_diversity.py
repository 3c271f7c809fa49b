"""BISSelect passes on candidates that differ where it is asked to."""

import pytest
import torch

from elect_tino.elect_core.diversity import distances

pytestmark = pytest.mark.comfy


def test_a_diverse_top_k_begins_with_the_best_and_lies_further_apart(elect, scene, guiders):
    given = {"num_candidates": 6, "candidates_per_batch": 1}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, **given)
    mask = elect.relevance(found)[0]
    by_rank = elect.select(found, relevance=mask, top_k=3)
    varied = elect.select(found, relevance=mask, top_k=3, diversity=1.0)
    assert varied[1] == by_rank[1]
    assert varied[0].seeds[0] == by_rank[0].seeds[0]
    assert varied.ui["elect"][0]["order"] == by_rank.ui["elect"][0]["order"]
    weight = torch.ones(1, 1, 10, 8)

    def nearest(chosen):
        apart = distances(chosen.estimates(), weight)
        return float(apart[~torch.eye(3, dtype=torch.bool)].min())

    assert nearest(varied[0]) >= nearest(by_rank[0])
    assert elect.select(found, relevance=mask, top_k=3, diversity=0.0)[0].seeds == by_rank[0].seeds


def test_the_choice_goes_before_diversity(elect, scene, guiders):
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent)
    mask = elect.relevance(found)[0]
    chosen = elect.select(found, relevance=mask, top_k=2, diversity=1.0, pick_seeds="5")
    assert chosen[0].seeds[0] == 5
    assert len(chosen[0].seeds) == 2
