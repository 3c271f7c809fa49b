"""What other nodes hang on a MODEL: a resumed run stays exact, a batch stays true to its seeds."""

import copy
import functools
import logging

import pytest
import torch

from ..conftest import of_host
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def guided(scene, model, scale=4.0):
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(scene.text, scene.image)
    guider.set_cfg(scale)
    return guider


def apg(scene, momentum=-0.5):
    from comfy_extras.nodes_apg import APG

    return of_host(APG, scene.model, 1.0, 0.0, momentum)[0]


class Memory:
    """A hook as other packs write them: it adds a part of what it saw a call before."""

    def __init__(self):
        self.before = None

    def __call__(self, args):
        now = args["denoised"]
        mixed = now if self.before is None or args["sigma"][0] > 14 else now + 0.2 * self.before
        self.before = now
        return mixed


def with_memory(scene):
    model = scene.model.clone()
    model.set_model_sampler_post_cfg_function(Memory())
    return model


def with_foreign_patch(scene):
    """Attention that looks across the batch, as style alignment does."""
    model = scene.model.clone()
    model.set_model_attn1_patch(lambda q, k, v, extra: (q, k, v + v.mean(0, keepdim=True)))
    return model


@pytest.mark.parametrize("make", [apg, with_memory], ids=["core APG", "another pack's"])
def test_a_hook_that_remembers_is_finished_from_the_start_exactly(
    make, scene, stock, elect, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    guider = guided(scene, make(scene))
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent)
    calls = count_calls(monkeypatch, scene)
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    assert len(calls) >= found.run.num_steps
    assert "8 guider calls" in out.ui["text"][0]
    assert "finished from its start" in out.ui["text"][0]
    assert "may remember earlier calls" in caplog.text


def test_the_extra_calls_are_in_the_facts(scene, elect):
    found = elect.partial(guided(scene, apg(scene)), "euler", scene.sigmas, scene.latent)
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    facts = elect.select(found, mask=mask).ui["elect"][0]
    assert facts["nfe"] == 3 * 3 + 8
    assert any("one by one" in note for note in facts["notes"])


def test_a_finished_candidate_is_not_run_again_for_a_hook(scene, stock, elect, monkeypatch):
    guider = guided(scene, apg(scene))
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, stop=1.0)
    calls = count_calls(monkeypatch, scene)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)
    assert calls == []


def test_patches_that_look_across_the_batch_run_one_by_one(scene, stock, elect, monkeypatch):
    guider = guided(scene, with_foreign_patch(scene))
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    calls = count_calls(monkeypatch, scene)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=3)
    assert set(calls) == {2}  # text and no text of one candidate
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_a_sampler_that_copies_comfyuis_name_runs_one_by_one(scene, guiders, elect):
    import comfy.samplers
    from comfy.k_diffusion.sampling import sample_euler

    @functools.wraps(sample_euler)
    def other(model, x, *args, **kwargs):
        return sample_euler(model, x + x.mean(0, keepdim=True), *args, **kwargs)

    sampler = comfy.samplers.KSAMPLER(other)
    found = elect.partial(guiders["cfg"], sampler, scene.sigmas, scene.latent)
    from elect_tino.nodes.elect.candidates import notes

    assert "sample_euler is not ComfyUI's own" in notes(found)[0]


def test_a_hook_that_copies_a_harmless_name_runs_one_by_one(scene):
    from elect_tino.nodes.host.elect.batching import why_one_by_one

    def hook(args):
        return args["denoised"]

    hook.__qualname__ = "RescaleCFG.patch.<locals>.hook"
    model = scene.model.clone()
    model.set_model_sampler_post_cfg_function(hook)
    assert "may mix" in (why_one_by_one(guided(scene, model), None, False) or "")


def test_a_part_that_another_pack_has_replaced_runs_one_by_one_and_from_the_start(scene):
    import comfy.samplers

    from elect_tino.nodes.host.elect.attached import may_remember
    from elect_tino.nodes.host.elect.batching import why_one_by_one

    model = scene.model.clone()
    own = model.get_model_object("model_sampling")

    class Other(type(own)):
        def timestep(self, sigma):
            return super().timestep(sigma)

    other = copy.copy(own)
    other.__class__ = Other
    model.add_object_patch("model_sampling", other)
    said = "another pack has replaced the model's model_sampling"
    assert may_remember(guided(scene, model)) == said
    euler = comfy.samplers.sampler_object("euler")
    assert why_one_by_one(guided(scene, model), euler, False) == said


def test_hypertile_of_other_packs_is_refused_too(scene, elect):
    model = scene.model.clone()

    def patch(q, k, v, extra):
        return q, k, v

    patch.__qualname__ = "HyperTileInspire.patch.<locals>.patch"
    model.set_model_attn1_patch(patch)
    with pytest.raises(ValueError, match="guider: its MODEL carries HyperTileInspire"):
        elect.partial(guided(scene, model), "euler", scene.sigmas, scene.latent)


def test_what_the_host_hangs_on_a_model_without_a_memory_costs_nothing(scene):
    from comfy_extras.nodes_cfg import CFGNorm, CFGZeroStar
    from comfy_extras.nodes_mahiro import Mahiro
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete, RescaleCFG

    from elect_tino.nodes.host.elect.attached import may_remember

    made = [
        of_host(Mahiro, scene.model)[0],
        of_host(CFGZeroStar, scene.model)[0],
        of_host(CFGNorm, scene.model, 1.0)[0],
        of_host(RescaleCFG, scene.model, 0.7)[0],
        of_host(ModelSamplingDiscrete, scene.model, "v_prediction", False)[0],
    ]
    assert [may_remember(guided(scene, model)) for model in made] == [None] * len(made)
    assert may_remember(guided(scene, scene.model)) is None
