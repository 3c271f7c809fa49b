"""The examples of docs/library.md run as they stand, on small pipelines of the real classes."""

import re
from typing import Any

import pytest
import torch

from .elect_core.test_diffusers import BETAS, image, pipeline  # noqa: F401
from .test_boundaries import ROOT

diffusers: Any = pytest.importorskip("diffusers", reason="diffusers is not installed")
EXAMPLES = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(encoding="utf-8"), re.S
)


def run(example: str, **given: object) -> dict[str, Any]:
    names = dict(given)
    exec(compile(example, "docs/library.md", "exec"), names)
    return names


@torch.no_grad()
def test_elect_on_a_pipeline(pipeline):  # noqa: F811
    pipeline.scheduler = diffusers.EulerDiscreteScheduler(**BETAS)
    done = run(EXAMPLES[0], pipe=pipeline, picture=image())
    assert done["found"].nfe == 16 * 8 + 12
    assert done["found"].ranking.elected in range(16)
    latent = done["found"].latent / pipeline.vae.config.scaling_factor
    assert pipeline.vae.decode(latent).sample.shape == image().shape


def test_tino_on_a_pipeline(pipeline):  # noqa: F811
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel.from_config({**pipeline.unet.config, "in_channels": 4})
    pipe = diffusers.StableDiffusionPipeline(
        vae=pipeline.vae,
        text_encoder=pipeline.text_encoder,
        tokenizer=pipeline.tokenizer,
        unet=unet.eval(),
        scheduler=diffusers.DDIMScheduler(**BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    source, goal = torch.randn(2, 1, 4, 12, 16)
    found = run(EXAMPLES[1], pipe=pipe, source=source, goal=goal)["found"]
    assert found.losses.shape == (11, 1)
    assert found.losses.min() < found.losses[0]


def test_examples_are_short():
    assert len(EXAMPLES) == 3
    for example in EXAMPLES:
        lines = [line for line in example.splitlines() if line.strip()]
        assert len([line for line in lines if not line.startswith(("import ", "from "))]) <= 14
