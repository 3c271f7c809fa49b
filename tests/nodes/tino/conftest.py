"""TiNOOptimize on a small random model in the real ComfyUI, in inference mode as users run it."""

from types import SimpleNamespace

import pytest
import torch

from ..conftest import random_model
from .small_edit import LATENT_CLIP, OPTIONS, pooled


@pytest.fixture(scope="module")
def latent_clip():
    from elect_tino.nodes.tino.latent_models import FeatureModel, managed
    from elect_tino.tino_core.latent_clip import LatentCLIP

    torch.manual_seed(0)
    model = LatentCLIP(LATENT_CLIP, "SD15").eval()
    return FeatureModel("test", "SD15", (managed(model),), model)


@pytest.fixture(scope="module")
def world(latent_clip):
    """What the node is wired to: 80x64 pixels, an edit of the middle."""
    with torch.inference_mode():
        model = random_model()
        source = torch.randn(1, 4, 10, 8, generator=torch.Generator().manual_seed(5))
        mask = torch.zeros(1, 80, 64)
        mask[:, 16:56, 16:48] = 1
        return SimpleNamespace(
            model=model,
            source={"samples": source},
            mask=mask,
            positive=pooled(1),
            negative=pooled(2),
            texts={"source_text": pooled(3), "target_text": pooled(4)},
            latent_clip=latent_clip,
        )


@pytest.fixture
def optimize(world):
    """The node's `execute` with this file's defaults."""
    from elect_tino.nodes.tino.optimise import TiNOOptimize

    TiNOOptimize.hidden = SimpleNamespace(unique_id=None)

    @torch.inference_mode()
    def run(**given):
        wired = {
            "model": world.model,
            "positive": world.positive,
            "source": world.source,
            "mask": world.mask,
            "latent_clip": world.latent_clip,
            **world.texts,
        }
        out = TiNOOptimize.execute(**{**OPTIONS, **wired, **given})
        latent, noise, text, curve, sigmas = out.args
        return SimpleNamespace(
            latent=latent["samples"], noise=noise, text=text, curve=curve, sigmas=sigmas
        )

    return run
