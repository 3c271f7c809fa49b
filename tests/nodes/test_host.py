"""Inside ComfyUI: memory, interruption, hooks, ControlNet, video latents, LoRA."""

import gc
import logging
import weakref

import pytest
import torch
from torch.testing import assert_close

from .elect.test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def fail_above(monkeypatch, scene, limit: int, after: int = 0) -> list[int]:
    """From the `after`-th model call on, batches above `limit` run out of memory."""
    calls: list[int] = []
    apply_model = scene.model.model.apply_model

    def limited(x, *args, **kwargs):
        if len(calls) >= after and len(x) > limit:
            raise torch.cuda.OutOfMemoryError("test: out of memory")
        calls.append(len(x))
        return apply_model(x, *args, **kwargs)

    monkeypatch.setattr(scene.model.model, "apply_model", limited)
    return calls


def test_out_of_memory_halves_the_batch_and_loses_nothing(
    elect, scene, guiders, monkeypatch, caplog
):
    options = {"num_candidates": 4, "stop": 0.5}
    expected = elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **options)
    # Two calls of four go through, then only batches of two fit.
    calls = fail_above(monkeypatch, scene, limit=2, after=2)
    found = elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **options)
    assert calls == [4, 4, 2, 2, 2, 2]  # four steps each, the first two from the tape
    assert "out of memory with 4 candidates" in caplog.text
    assert found.seeds == expected.seeds
    assert found.cost == expected.cost
    assert_close(found.estimates(), expected.estimates(), atol=1e-4, rtol=1e-4)


def test_after_running_out_of_memory_later_batches_are_small_from_the_start(
    elect, scene, guiders, monkeypatch, caplog
):
    calls = fail_above(monkeypatch, scene, limit=2)
    options = {"num_candidates": 8, "stop": 0.2, "candidates_per_batch": 4}
    elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **options)
    assert set(calls) == {2}
    assert caplog.text.count("out of memory") == 1


def test_a_batch_leaves_nothing_on_the_device_once_it_is_done(elect, scene, guiders, monkeypatch):
    from elect_tino.nodes.host.elect import run as host_run

    alive = []
    monkeypatch.setattr(
        host_run.Tape,
        "to",
        lambda self, device: alive.append(weakref.ref(self)) or self.map(torch.clone),
    )
    gc.collect()
    gc.disable()
    try:
        options = {"num_candidates": 4, "candidates_per_batch": 1}
        elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent, **options)
        # ComfyUI collects garbage between prompts only: what is left must go by itself.
        assert [one() for one in alive[:-1]] == [None] * 3
    finally:
        gc.enable()


def test_out_of_memory_with_one_candidate_is_an_error(elect, scene, guiders, monkeypatch):
    fail_above(monkeypatch, scene, limit=0)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent)


def test_batches_are_sized_by_comfyuis_estimate_and_do_not_grow_with_n(
    elect, scene, guiders, monkeypatch
):
    import comfy.model_management

    one = scene.model.model.memory_required([1, 4, 10, 8])
    free = one * 1.5 * 3.5

    def room_for_three(dev=None, torch_free_too=False):
        return (free, free) if torch_free_too else free

    monkeypatch.setattr(comfy.model_management, "get_free_memory", room_for_three)
    for num_candidates in (4, 9):
        with monkeypatch.context() as patched:
            calls = count_calls(patched, scene)
            elect.partial(
                guiders["basic"], "euler", scene.sigmas, scene.latent, num_candidates=num_candidates
            )
        assert max(calls) == 3
        assert sum(calls) == num_candidates * 3


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

    guider = comfy.samplers.CFGGuider(Mahiro.execute(scene.model)[0])
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
