"""The gradient through Stable Diffusion's UNet under checkpoints is that of plain autograd.

Only plain autograd notices what a model writes onto after it was saved.
"""

import pytest
import torch
from torch.testing import assert_close

from ..conftest import random_model
from .small_edit import pooled

pytestmark = pytest.mark.comfy


def test_steps_and_blocks_that_are_run_again_change_nothing(monkeypatch):
    import comfy.model_management

    from elect_tino.nodes.host.tino.edit import BareLoss, Edit
    from elect_tino.nodes.host.tino.optimising import Watch, run
    from elect_tino.tino_core.settings import Settings

    generator = torch.Generator().manual_seed(3)
    with torch.inference_mode():
        model, text = random_model(), pooled(1)
        source, noise, wanted = torch.randn(3, 1, 4, 10, 8, generator=generator)

    def build(source):
        return lambda x0: (x0 - wanted.clone()).square().mean((1, 2, 3))

    mask, loss = torch.ones(1, 1, 10, 8), BareLoss(build)
    edit = Edit(model, text, None, 1.0, {"samples": source}, None, mask, noise, loss)

    def update(recompute: bool) -> torch.Tensor:
        """1.9 times the gradient to the noise."""
        settings = Settings(
            num_steps=2,
            iterations=1,
            lr_timesteps=0.0,
            lr_noise=1.0,
            clip=1e9,
            keep_all=True,
            recompute=recompute,
        )
        with torch.inference_mode():
            noises = run(edit, settings, Watch())[1].optimised.noises
        assert noises is not None
        return noises[1] - noises[0]

    expected = update(recompute=False)
    assert_close(update(recompute=True), expected, atol=1e-6, rtol=1e-3)
    monkeypatch.setattr(comfy.model_management, "get_total_memory", lambda *_, **__: 1)
    assert_close(update(recompute=True), expected, atol=1e-6, rtol=1e-3)
