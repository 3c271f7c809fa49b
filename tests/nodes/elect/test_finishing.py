"""Finishing otherwise, with the source around the edit, near a candidate, and from other noise."""

import pytest
import torch
from torch.testing import assert_close

from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def finish():
    from elect_tino.nodes.elect.resume import ResumeDenoise

    @torch.inference_mode()
    def run(found, **given):
        import comfy.samplers

        if isinstance(given.get("sampler"), str):
            given["sampler"] = comfy.samplers.sampler_object(given["sampler"])
        return ResumeDenoise.execute(found, **given)

    return run


def partial(elect, scene, guiders, guider="dual", sampler="euler", **given):
    given = {"candidates_per_batch": 1, **given}
    return elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **given)


def right_half():
    mask = torch.zeros(1, 80, 64)
    mask[..., 32:] = 1
    return mask


def test_the_same_rest_from_the_stop_is_the_same_result(elect, finish, scene, guiders):
    """Euler remembers nothing: from its own latent with its own steps it must arrive there too."""
    found = partial(elect, scene, guiders).rows([1])
    out = finish(found, sigmas=scene.sigmas)
    assert_close(out[0]["samples"], finish(found)[0]["samples"], atol=1e-5, rtol=1e-5)
    assert "Finished with other steps from the stop: this is not the result" in out.ui["text"][0]


def test_more_steps_and_another_sampler_for_the_rest(elect, finish, scene, guiders, monkeypatch):
    found = partial(elect, scene, guiders).rows([1, 0])
    calls = count_calls(monkeypatch, scene)
    more = finish(found, sigmas=scene.sigmas20)
    below = int((scene.sigmas20 < found.stop_sigma).sum())
    assert len(calls) == 2 * below
    assert f"{2 * below} guider calls" in more.ui["text"][0]
    other = finish(found, sampler="dpmpp_2m")
    exact = finish(found)[0]["samples"]
    for out in (more, other):
        assert out[0]["samples"].isfinite().all()
        assert not torch.equal(out[0]["samples"], exact)
    assert "another sampler" in other.ui["text"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sigmas": torch.tensor([14.0, 13.9])}, "sigmas: nothing of it lies below"),
        ({"sampler": "dpm_fast"}, "sampler: dpm_fast chooses its own"),
        ({"blend_mask": torch.zeros(1, 80, 64)}, "mask: it is empty"),
    ],
)
def test_what_cannot_finish_says_why(given, message, elect, finish, scene, guiders):
    with pytest.raises(ValueError, match=message):
        finish(partial(elect, scene, guiders).rows([0]), **given)


def test_finished_ones_have_no_rest(elect, finish, scene, guiders):
    found = partial(elect, scene, guiders, stop=1.0).rows([0])
    with pytest.raises(ValueError, match="candidates: they have run all their steps"):
        finish(found, sampler="heun")


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "euler_cfg_pp"])
def test_blended_back_the_source_is_exact_outside_the_mask(sampler, elect, finish, scene, guiders):
    found = partial(elect, scene, guiders, "cfg", sampler).rows([1])
    plain = finish(found)[0]["samples"]
    out = finish(found, blend_mask=right_half(), feather=0)
    assert_close(out[0]["samples"][..., :4], scene.source[..., :4], atol=1e-3, rtol=1e-3)
    assert not torch.allclose(plain[..., :4], scene.source[..., :4], atol=0.1)
    assert not torch.allclose(out[0]["samples"][..., 4:], scene.source[..., 4:], atol=0.1)
    assert "blended back" in out.ui["text"][0]


def test_a_feathered_mask_lets_the_edit_fade_out_around_it(elect, finish, scene, guiders):
    found = partial(elect, scene, guiders, "cfg").rows([1])
    hard, soft = (
        finish(found, blend_mask=right_half(), feather=feather)[0]["samples"] - scene.source
        for feather in (0, 16)
    )
    assert hard[..., 3].abs().max() < 1e-3 < soft[..., 3].abs().max()
    assert_close(soft[..., 0], torch.zeros_like(soft[..., 0]), atol=1e-3, rtol=0)


def test_a_run_from_its_start_is_blended_after_the_stop_alone(
    elect, finish, scene, guiders, monkeypatch
):
    from elect_tino.nodes.host.elect import finish as finishing

    found = partial(elect, scene, guiders, "cfg").rows([1])
    expected = finish(found, blend_mask=right_half(), feather=0)[0]["samples"]
    monkeypatch.setattr(finishing, "why_from_start", lambda run: "a hook may remember")
    calls = count_calls(monkeypatch, scene)
    out = finish(found, blend_mask=right_half(), feather=0)[0]["samples"]
    assert len(calls) == found.run.num_steps
    assert_close(out, expected, atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def vary():
    from elect_tino.nodes.elect import vary

    class Nodes:
        @staticmethod
        @torch.inference_mode()
        def seed(found, strength=0.3, first_seed=70, number=3):
            return vary.VarySeed.execute(found, strength, first_seed, number, 1)[0]

        @staticmethod
        @torch.inference_mode()
        def region(found, mask, restart=0.4, stop=1.0, feather=0, number=2, **given):
            run = vary.RerollRegion.execute
            return run(found, mask, restart, stop, feather, 70, number, 1, **given)[0]

    return Nodes


def test_the_less_strength_the_nearer_to_the_chosen_one(elect, scene, guiders, vary):
    found = partial(elect, scene, guiders)
    chosen = found.rows([1]).estimates()
    near, far = (vary.seed(found.rows([1]), one).estimates() for one in (0.1, 0.9))
    assert (near - chosen).abs().mean() < 0.5 * (far - chosen).abs().mean()
    same = vary.seed(found.rows([1]), 0.0).estimates()
    assert_close(same, chosen.expand_as(same), atol=1e-4, rtol=1e-4)
    noise = [vary.seed(found.rows([1]), one) for one in (0.0, 0.5)]
    lengths = [one.run.initial_noise(one.seeds).flatten(1).norm(dim=1) for one in noise]
    assert (lengths[1] / lengths[0] > 0.9).all()  # on the arc: a straight mix is a third shorter
    own = partial(elect, scene, guiders, seeds="70, 71, 72").estimates()
    assert_close(vary.seed(found.rows([1]), 1.0).estimates(), own, atol=1e-4, rtol=1e-4)


def test_the_varied_are_finished_from_their_own_noise(elect, scene, guiders, vary, monkeypatch):
    varied = vary.seed(partial(elect, scene, guiders).rows([1]))
    calls = count_calls(monkeypatch, scene)
    whole = elect.resume(varied)[0]["samples"]
    assert len(calls) == 3 * 5
    from dataclasses import replace

    from elect_tino.elect_core import Cost, Tape

    anew = replace(varied, tape=Tape(), stop_step=0, cost=Cost())
    assert torch.equal(elect.resume(anew)[0]["samples"], whole)


def test_a_region_is_rolled_anew_and_the_rest_is_kept(elect, scene, guiders, vary):
    found = partial(elect, scene, guiders, "cfg").rows([1])
    picture = elect.resume(found)[0]
    anew = elect.resume(vary.region(found, right_half(), picture=picture))[0]["samples"]
    kept = picture["samples"]
    assert len(anew) == 2
    assert_close(anew[..., :4], kept[..., :4].expand(2, -1, -1, -1), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(anew[:1, ..., 4:], kept[..., 4:], atol=0.1)
    assert not torch.allclose(anew[:1, ..., 4:], anew[1:, ..., 4:], atol=0.1)


def test_a_region_is_rolled_from_a_middle_level_under_the_chosen_ones_noise(
    elect, scene, guiders, vary
):
    found = partial(elect, scene, guiders, "cfg").rows([1])
    anew = vary.region(found, right_half(), restart=0.4)
    assert torch.equal(anew.run.sigmas, scene.sigmas[3:])
    noise, own = anew.run.initial_noise(anew.seeds), found.run.initial_noise(found.seeds)
    assert torch.equal(noise[..., :4], own[..., :4].expand(2, -1, -1, -1))
    fresh = partial(elect, scene, guiders, "cfg", seeds="70, 71").run.initial_noise((70, 71))
    assert torch.equal(noise[..., 4:], fresh[..., 4:])


def test_bad_regions_name_their_input(elect, scene, guiders, vary):
    found = partial(elect, scene, guiders).rows([0])
    with pytest.raises(ValueError, match="restart: 0.99 of 8 steps leaves none"):
        vary.region(found, right_half(), restart=0.99)
    with pytest.raises(ValueError, match="mask: it is empty"):
        vary.region(found, torch.zeros(1, 80, 64))
    with pytest.raises(ValueError, match="strength: expected 0 to 1"):
        vary.seed(found, 1.5)


class Doubled:
    """A NOISE of another pack: twice the usual noise."""

    seed = 5

    def generate_noise(self, latent):
        import comfy.sample

        return 2 * comfy.sample.prepare_noise(latent["samples"], self.seed)


def test_a_noise_is_a_template_for_each_seed(elect, scene, guiders):
    from elect_tino.nodes.host.elect.noise import initial_noise

    template = Doubled()
    found = partial(elect, scene, guiders, noise=template)
    expected = 2 * initial_noise(scene.latent, (3, 4, 5))
    assert torch.equal(found.run.initial_noise(found.seeds), expected)
    assert template.seed == 5
    both = partial(elect, scene, guiders, noise=template, previous=found, seeds="9")
    assert both.seeds == (3, 4, 5, 9)
    with pytest.raises(ValueError, match=r"previous: .*noise"):
        partial(elect, scene, guiders, previous=found, seeds="9")


def test_random_noise_is_as_without(elect, scene, guiders):
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    found = partial(elect, scene, guiders, noise=Noise_RandomNoise(99))
    assert found.run.noise is None


def test_noise_that_cannot_be_a_template_says_why(elect, scene, guiders):
    from comfy_extras.nodes_custom_sampler import Noise_EmptyNoise

    class Fixed:
        @property
        def seed(self):
            return 1

    with pytest.raises(ValueError, match="noise: Noise_EmptyNoise gives the same noise"):
        partial(elect, scene, guiders, noise=Noise_EmptyNoise())
    with pytest.raises(ValueError, match="noise: object has no seed"):
        partial(elect, scene, guiders, noise=object())
    with pytest.raises(ValueError, match="noise: the seed of Fixed cannot be set"):
        partial(elect, scene, guiders, noise=Fixed())


def test_blending_keeps_the_edit_where_a_soft_map_is_low(elect, scene, guiders, finish):
    found = partial(elect, scene, guiders).rows([0])
    sharp = finish(found, blend_mask=right_half(), feather=0)[0]["samples"]
    soft = finish(found, blend_mask=0.4 * right_half(), feather=0)[0]["samples"]
    assert torch.equal(soft, sharp)
