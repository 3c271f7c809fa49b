"""Guiders of other packs: exact even where they remember, and fast where they are known."""

from typing import Any

import pytest
import torch

from .test_harmless import made_in

pytestmark = pytest.mark.comfy

GUIDER = """
from comfy.samplers import CFGGuider


class Guider_ScheduledCFG(CFGGuider):
    def predict_noise(self, x, timestep, model_options={}, seed=None):
        return super().predict_noise(x, timestep, model_options, seed)

    @classmethod
    def patch(cls):
        return cls
"""


class Remembering:
    """A guider's rule with a memory, as another pack might have it."""

    before = None

    def predict_noise(self, x, timestep, model_options=None, seed=None):
        now = super().predict_noise(x, timestep, model_options or {}, seed)  # type: ignore[misc]
        mixed = now if self.before is None or float(timestep[0]) > 14 else now + 0.2 * self.before
        self.before = now
        return mixed


def test_a_guider_that_remembers_is_finished_from_the_start_exactly(scene, stock, elect):
    import comfy.samplers

    kind: Any = type("Remembering", (Remembering, comfy.samplers.CFGGuider), {})
    guider = kind(scene.model)
    guider.set_conds(scene.text, scene.image)
    guider.set_cfg(4.0)
    expected, _ = stock(guider, "euler", scene.sigmas, scene.latent, 4)
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent)
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    assert "the guider Remembering is another pack's" in out.ui["text"][0]


def test_a_listed_guider_of_another_pack_costs_nothing(scene, tmp_path):
    import comfy.samplers

    from elect_tino.nodes.host.elect.attached import may_remember
    from elect_tino.nodes.host.elect.batching import why_one_by_one

    def asked(folder):
        file = f"{folder}/nodes/nodes.py"
        kind = made_in(tmp_path, file, GUIDER, "Guider_ScheduledCFG")
        guider = kind(scene.model)
        guider.set_conds(scene.text, scene.image)
        sampler = comfy.samplers.sampler_object("euler")
        return why_one_by_one(guider, sampler, False), may_remember(guider)

    assert asked("ComfyUI-KJNodes") == (None, None)
    assert None not in asked("ComfyUI-Unknown")


def test_a_model_of_another_packs_own_class_is_finished_from_the_start_exactly(
    scene, stock, elect, monkeypatch
):
    import comfy.samplers

    from elect_tino.nodes.host.elect.attached import may_remember

    inner = scene.model.model.diffusion_model

    def guided(conds):
        guider = comfy.samplers.CFGGuider(scene.model)
        guider.set_conds(*conds)
        guider.set_cfg(4.0)
        return guider

    class Cached(type(inner)):
        """A first-block cache: it remembers, as those of Nunchaku's models do."""

        before = None

        def forward(self, x, timesteps, *args, **kwargs):
            now = super().forward(x, timesteps, *args, **kwargs)
            mixed = now if self.before is None or len(self.before) != len(now) else self.before
            self.before = now
            return 0.8 * now + 0.2 * mixed

    conds = (scene.text, scene.image)
    assert may_remember(guided(conds)) is None
    monkeypatch.setattr(inner, "__class__", Cached)
    inner.before = None
    expected, _ = stock(guided(conds), "euler", scene.sigmas, scene.latent, 4)
    inner.before = None
    found = elect.partial(guided(conds), "euler", scene.sigmas, scene.latent)
    inner.before = None
    out = elect.resume(found.rows([1]))
    assert torch.equal(out[0]["samples"], expected)
    assert "the model itself" in out.ui["text"][0]
    assert "Cached) is another pack's" in out.ui["text"][0]
    inner.before = None
