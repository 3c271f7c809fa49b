"""Step caches skip model calls by what they remember: candidates are run from their start."""

import pytest
import torch

from .test_other_packs import guided
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy

NODES = ("EasyCacheNode", "LazyCacheNode")


def cached(scene, node, threshold=5.0):
    from comfy_extras import nodes_easycache

    return getattr(nodes_easycache, node).execute(scene.model, threshold, 0.05, 0.95, False)[0]


@pytest.fixture(params=NODES)
def guider(request, scene):
    """A guider whose MODEL carries a step cache that skips a part of the calls."""
    return guided(scene, cached(scene, request.param))


def test_it_skips_calls_or_the_other_tests_say_nothing(guider, scene, stock, monkeypatch):
    calls = count_calls(monkeypatch, scene)
    stock(guided(scene, scene.model), "euler", scene.sigmas20, scene.latent, 4)
    whole = len(calls)
    unets = []
    forward = scene.model.model.diffusion_model._forward
    monkeypatch.setattr(
        scene.model.model.diffusion_model,
        "_forward",
        lambda *args, **kwargs: unets.append(1) or forward(*args, **kwargs),
    )
    stock(guider, "euler", scene.sigmas20, scene.latent, 4)
    assert 0 < len(unets) < whole


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_the_finished_candidate_is_its_seed_alone(sampler, guider, scene, stock, elect):
    expected, _ = stock(guider, sampler, scene.sigmas20, scene.latent, 4)
    found = elect.partial(guider, sampler, scene.sigmas20, scene.latent)
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    assert "20 guider calls" in out.ui["text"][0]
    assert "Cache, a step cache, which remembers earlier calls" in out.ui["text"][0]


def test_estimates_are_those_of_the_seed_alone(guider, scene, elect):
    together = elect.partial(guider, "euler", scene.sigmas20, scene.latent)
    alone = elect.partial(guider, "euler", scene.sigmas20, scene.latent, seeds="4")
    assert torch.equal(together.estimates()[1:2], alone.estimates())


def test_an_empty_text_beside_the_calls_changes_no_candidate(guider, scene, stock, elect):
    """The relevance map's own passes are of a condition that the cache does not know."""
    given = {"null": scene.empty, "relevance_window": 0.4}
    plain = elect.partial(guider, "euler", scene.sigmas20, scene.latent)
    found = elect.partial(guider, "euler", scene.sigmas20, scene.latent, **given)
    assert torch.equal(found.estimates(), plain.estimates())


def test_candidates_taken_on_are_run_from_their_start(guider, scene, elect):
    from elect_tino.nodes.elect.advance import AdvanceCandidates

    whole = elect.partial(guider, "euler", scene.sigmas20, scene.latent, stop=0.6)
    found = elect.partial(guider, "euler", scene.sigmas20, scene.latent, stop=0.3)
    with torch.inference_mode():
        further = AdvanceCandidates.execute(found, 0.6, 1)[0]
    assert torch.equal(further.estimates(), whole.estimates())
    assert further.cost.nfe == 3 * (6 + 12)
