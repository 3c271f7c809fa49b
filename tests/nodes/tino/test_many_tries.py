"""First noises side by side in the real ComfyUI: each as true as alone, and within memory."""

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from ..conftest import random_model
from .small_edit import pooled

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def elected():
    """An election among five first noises of two pictures, at most so many at once."""
    from elect_tino.nodes.host.tino import optimising
    from elect_tino.nodes.host.tino.edit import BareLoss, Edit
    from elect_tino.tino_core.settings import Settings

    generator = torch.Generator().manual_seed(8)
    sources, noise, *more = torch.randn(6, 2, 4, 10, 8, generator=generator)
    mask = (torch.rand(2, 1, 10, 8, generator=generator) > 0.5).float()
    conds = [[torch.cat([pooled(1)[0][0], pooled(2)[0][0]]), {}]]

    def build(source):
        return lambda x0: (x0 - 0.3 * source).square().mean((1, 2, 3))

    @torch.inference_mode()
    def run(at_once: int, fails_above: int = 100):
        model = random_model()
        edit = Edit(
            model, conds, None, 1.0, {"samples": sources}, None, mask, noise, BareLoss(build), more
        )
        sizes, inner = [], model.model.apply_model

        def counting(x, *args, **kwargs):
            sizes.append(len(x))
            if len(x) > fails_above:
                raise torch.OutOfMemoryError("injected")
            return inner(x, *args, **kwargs)

        model.model.apply_model = counting
        fit = optimising.tries_that_fit
        optimising.tries_that_fit = lambda *_: at_once
        try:
            settings = Settings(num_steps=2, iterations=0)
            found = optimising.run(edit, settings, optimising.Watch())[1]
        finally:
            optimising.tries_that_fit = fit
        assert found.election is not None
        return found.election, sizes

    return run


def test_tries_side_by_side_equal_one_by_one_for_every_picture(elected):
    one, _ = elected(1)
    for at_once in (2, 5):
        many, sizes = elected(at_once)
        assert max(sizes) == 2 * at_once
        assert_close(many.losses, one.losses, atol=1e-5, rtol=1e-4)
        assert many.elected.tolist() == one.elected.tolist()
    assert one.losses.std() > 1e-3


def test_running_out_of_memory_halves_and_goes_on(elected):
    one, _ = elected(1)
    halved, sizes = elected(4, fails_above=4)
    assert sizes[0] == 8
    assert max(sizes[1:]) == 4
    assert_close(halved.losses, one.losses, atol=1e-5, rtol=1e-4)


def test_as_many_as_comfyui_reckons_fit_and_one_with_a_hook_that_may_mix(monkeypatch):
    import comfy.model_management

    from elect_tino.nodes.host.tino.tries import tries_that_fit

    model = SimpleNamespace(
        model_options={},
        load_device="cpu",
        model=SimpleNamespace(memory_required=lambda shape: 10.0 * shape[0]),
    )
    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda device: 95.0)
    fits = lambda passes, number: tries_that_fit(model, (1, 4, 8, 8), passes, number)  # type: ignore[arg-type]  # noqa: E731
    assert fits(1, 16) == 6
    assert fits(2, 16) == 3
    assert fits(1, 4) == 4
    assert fits(100, 16) == 1
    model.model_options["sampler_post_cfg_function"] = [print]
    assert fits(1, 16) == 1
