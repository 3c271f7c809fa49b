"""Inside ComfyUI: memory, interruption, hooks, ControlNet, video latents, LoRA."""

import logging

import pytest
import torch

from .conftest import of_host
from .elect.test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("name", ["perpneg", "third party"])
def test_guiders_that_may_mix_candidates_run_one_by_one(
    name, elect, scene, guiders, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    calls = []
    predict = type(guiders[name]).predict_noise

    def counted(self, x, *args, **kwargs):
        calls.append(len(x))
        return predict(self, x, *args, **kwargs)

    monkeypatch.setattr(type(guiders[name]), "predict_noise", counted)
    elect.partial(guiders[name], "euler", scene.sigmas, scene.latent, candidates_per_batch=3)
    assert set(calls) == {1}
    assert "one by one" in caplog.text


def test_hooks_that_mix_candidates_run_one_by_one_and_stay_true(elect, scene, stock):
    import comfy.samplers
    from comfy_extras.nodes_mahiro import Mahiro

    guider = comfy.samplers.CFGGuider(of_host(Mahiro, scene.model)[0])
    guider.set_conds(scene.text, scene.image)
    guider.set_cfg(3.0)
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_interruption_stops_the_run_and_the_model_works_on(elect, scene, guiders, monkeypatch):
    import comfy.model_management

    calls = count_calls(monkeypatch, scene)
    predict = scene.model.model.apply_model

    def interrupting(x, *args, **kwargs):
        if len(calls) == 2:
            comfy.model_management.interrupt_current_processing()
        return predict(x, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(scene.model.model, "apply_model", interrupting)
        with pytest.raises(comfy.model_management.InterruptProcessingException):
            elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent)
    assert len(calls) == 3  # the call under way ends, no other begins
    assert elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent).seeds == (3, 4, 5)


def test_candidates_leave_guider_and_model_as_they_were(elect, scene, guiders, stock):
    guider = guiders["dual"]
    before, _ = stock(guider, "euler", scene.sigmas, scene.latent, 1)
    elect.partial(guider, "euler_cfg_pp", scene.sigmas, scene.latent, null=scene.empty)
    after, _ = stock(guider, "euler", scene.sigmas, scene.latent, 1)
    assert torch.equal(before, after)
    assert set(guider.original_conds) == {"positive", "middle", "negative"}


def test_weight_hooks_with_keyframes_resume_exactly(elect, scene, stock):
    import comfy.hooks
    import comfy.samplers

    name = "diffusion_model.input_blocks.1.0.in_layers.2.weight"
    weight = scene.model.model_state_dict()[name]
    hooks = comfy.hooks.create_hook_model_as_lora({name: weight}, {}, 1.0, 0.0)
    frames = comfy.hooks.HookKeyframeGroup()
    frames.add(comfy.hooks.HookKeyframe(strength=0.0, start_percent=0.0, guarantee_steps=2))
    frames.add(comfy.hooks.HookKeyframe(strength=1.0, start_percent=0.3, guarantee_steps=2))
    hooks.set_keyframes_on_hooks(frames)
    text = [[scene.text[0][0], {**scene.text[0][1], "hooks": hooks}]]
    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(text, scene.image)
    guider.set_cfg(3.0)
    plain = comfy.samplers.CFGGuider(scene.model)
    plain.set_conds(scene.text, scene.image)
    plain.set_cfg(3.0)
    expected, _ = stock(guider, "dpmpp_2m", scene.sigmas, scene.latent, 4)
    unhooked, _ = stock(plain, "dpmpp_2m", scene.sigmas, scene.latent, 4)
    assert not torch.allclose(expected, unhooked)
    found = elect.partial(guider, "dpmpp_2m", scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_a_control_that_depends_on_the_step_resumes_exactly(elect, scene, stock):
    import comfy.controlnet
    import comfy.samplers

    class Push(comfy.controlnet.ControlBase):
        """Adds its hint to the output of one block, from 30 % of the schedule on."""

        def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
            if self.timestep_range is not None and (
                t[0] > self.timestep_range[0] or t[0] < self.timestep_range[1]
            ):
                return None
            push = torch.full((len(x_noisy), 64, 5, 4), 0.5)
            return {"middle": [push], "output": [], "input": []}

        def copy(self):
            new = Push()
            self.copy_to(new)
            return new

        def get_models(self):
            return []

    control = Push()
    control.set_cond_hint(torch.ones(1, 3, 80, 64), 1.0, (0.3, 1.0))
    text = [[scene.text[0][0], {**scene.text[0][1], "control": control}]]
    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(text, scene.image)
    guider.set_cfg(3.0)
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_a_lora_patched_model_is_patched_for_every_candidate(elect, scene, stock):
    import comfy.samplers

    name = "diffusion_model.input_blocks.1.0.in_layers.2.weight"
    patched = scene.model.clone()
    patched.add_patches({name: ("diff", (torch.ones(32, 32, 3, 3) * 0.05,))})
    guider = comfy.samplers.CFGGuider(patched)
    guider.set_conds(scene.text, scene.image)
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_video_latents_pass_through_every_stage(elect, scene, monkeypatch):
    """A 5-D model: the 2-D one over frames, as ComfyUI's video models take their latents."""
    import comfy.samplers

    apply_model = scene.model.model.apply_model

    def over_frames(x, t, c_concat=None, c_crossattn=None, **kwargs):
        frames = x.shape[2]

        def fold(latent):
            return latent.movedim(2, 1).flatten(0, 1)

        def spread(tensor):
            return tensor.repeat_interleave(frames, 0)

        out = apply_model(
            fold(x), spread(t), c_concat=fold(c_concat), c_crossattn=spread(c_crossattn), **kwargs
        )
        return out.unflatten(0, (-1, frames)).movedim(1, 2)

    monkeypatch.setattr(scene.model.model, "apply_model", over_frames)
    source = torch.randn(1, 4, 2, 10, 8)
    text = [[scene.text[0][0], {"concat_latent_image": source}]]
    image = [[scene.image[0][0], {"concat_latent_image": source}]]
    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(text, image)
    guider.set_cfg(3.0)
    found = elect.partial(guider, "euler", scene.sigmas, {"samples": torch.zeros_like(source)})
    mask, overlay = elect.relevance(found).args
    assert mask.shape == (2, 80, 64)
    assert overlay.shape == (2, 80, 64, 3)
    pictures = torch.rand(5, 80, 64, 3)  # five frames that the VAE made two of
    assert elect.relevance(found, image=pictures)[1].shape == (5, 80, 64, 3)
    out = elect.select(found, relevance=mask)
    assert out[0].seeds[0] in found.seeds

    class VideoVAE:
        """Two latent frames are five pictures, as causal video VAEs have it."""

        def decode(self, latent):
            frames = latent[:, :3, [0, 0, 0, 1, 1]].movedim(1, -1)
            return frames.repeat_interleave(8, -2).repeat_interleave(8, -3)

    scored = elect.select(found, relevance=mask, vae=VideoVAE(), space="pixel")
    assert len(scored.ui["elect"][0]["pictures"]["candidates"]) == 3
    assert elect.resume(out[0])[0]["samples"].shape == (1, 4, 2, 10, 8)
