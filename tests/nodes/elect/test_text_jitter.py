"""Candidates whose text is moved by their seed: for models that give one picture for all seeds."""

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


@pytest.fixture
def partial(elect, scene, guiders):
    def run(guider="cfg", **given):
        given = {"candidates_per_batch": 3, "stop": 0.5, **given}
        guider = guiders[guider] if isinstance(guider, str) else guider
        return elect.partial(guider, "euler", scene.sigmas, scene.latent, **given)

    return run


def own_text(guider, seed: int, strength: float):
    """The guider with one candidate's text in the place of everybody's."""
    import copy

    from elect_tino.nodes.host.elect.texts import with_jitter

    own = copy.copy(guider)
    own.original_conds = with_jitter(guider.original_conds, [seed], strength)
    return own


@pytest.mark.parametrize("name", ["basic", "cfg", "dual"])
def test_a_candidate_is_its_seed_run_alone_with_its_own_text(
    name, scene, guiders, stock, elect, partial
):
    found = partial(name, text_jitter=0.5, stop=1.0)
    finished = elect.resume(found)[0]["samples"]
    for seed, samples in zip(found.seeds, finished, strict=True):
        own = own_text(guiders[name], seed, 0.5)
        alone = stock(own, "euler", scene.sigmas, scene.latent, seed)[0][0]
        assert_close(samples, alone, atol=1e-4, rtol=1e-4)
        plain = stock(guiders[name], "euler", scene.sigmas, scene.latent, seed)[0][0]
        assert (samples - plain).abs().max() > 1e-3


@torch.inference_mode()
def test_the_text_alone_tells_candidates_of_one_noise_apart(partial):
    from elect_tino.nodes.elect.vary import VarySeed

    def spread(strength):
        varied = VarySeed.execute(partial(text_jitter=strength), 0.0, 70, 3, 3)[0].estimates()
        return float((varied - varied.mean(0, keepdim=True)).abs().mean())

    assert spread(0.0) < 1e-5 < 1e-3 < spread(1.0)


@pytest.mark.parametrize("given", [{}, {"sampler": "heun"}])
def test_they_are_finished_with_the_text_that_they_began_with(elect, partial, given):
    import comfy.samplers

    from elect_tino.nodes.elect.resume import ResumeDenoise

    chosen = {key: comfy.samplers.sampler_object(name) for key, name in given.items()}
    found = partial(text_jitter=0.7).rows([1])
    with torch.inference_mode():
        once = ResumeDenoise.execute(found, **chosen)[0]["samples"]
    seen = []
    encode = type(found.run.guider).sample

    def sample(self, *args, **kwargs):
        seen.append(self.original_conds["positive"][0]["cross_attn"])
        return encode(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(type(found.run.guider), "sample", sample)
        again = ResumeDenoise.execute(found, **chosen)[0]["samples"]
    assert_close(once, again, atol=1e-3, rtol=1e-4)
    expected = found.run.conds(found.seeds)["positive"][0]["cross_attn"]
    assert seen
    assert all(torch.equal(one, expected) for one in seen)


def test_it_is_part_of_what_the_candidates_are(partial):
    found = partial(text_jitter=0.3)
    with pytest.raises(ValueError, match="text_jitter"):
        partial(text_jitter=0.4, previous=found, seeds="3, 40")


def test_saved_candidates_go_on_with_their_own_text(kept, partial, elect, scene, guiders):
    found = partial(text_jitter=0.3)
    file = kept.save(found)
    loaded = kept.load(file, guiders["cfg"], "euler", scene.sigmas)[0]
    assert loaded.run.text_jitter == 0.3
    assert torch.equal(elect.resume(loaded)[0]["samples"], elect.resume(found)[0]["samples"])


@pytest.mark.parametrize("strength", [-0.1, 2.5, float("nan")])
def test_out_of_range_is_refused(partial, strength):
    with pytest.raises(ValueError, match="text_jitter: expected 0 to 2"):
        partial(text_jitter=strength)


def test_a_batch_of_texts_is_refused_before_sampling(partial, guiders):
    import copy

    guider = copy.copy(guiders["cfg"])
    entry = guider.original_conds["positive"][0]
    several = {**entry, "cross_attn": entry["cross_attn"].repeat(2, 1, 1)}
    guider.original_conds = {**guider.original_conds, "positive": [several]}
    with pytest.raises(ValueError, match="guider: .* batch of 2 texts.*text_jitter"):
        partial(guider, text_jitter=0.3)


def test_the_sampler_node_takes_it_too(sampler_race):
    def seen(strength):
        return sampler_race(race="off", text_jitter=strength)[4].estimates()

    assert not torch.equal(seen(0.0), seen(0.6))
    assert torch.equal(seen(0.6), seen(0.6))
