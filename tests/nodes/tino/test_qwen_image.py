"""TiNOOptimize on Qwen-Image, whose latents are videos of one frame: ComfyUI's class, small."""

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from ..reference_models import QWEN, WIDTH, build

pytestmark = pytest.mark.comfy
NUMBERS = {
    "cfg": 1.0,
    "num_steps": 2,
    "strength": 0.7,
    "iterations": 1,
    "seed": 4,
    "lr_timesteps": 0.0,
    "lr_noise": 0.05,
    "weight_decay": 0.0,
    "semantic_weight": 1.0,
    "perceptual_weight": 0.0,
    "reference_weight": 1.0,
}


@pytest.fixture(scope="module")
def optimize(tmp_path_factory):
    """The node on a picture of 64x64 pixels, led by a look of the result."""
    from elect_tino.nodes.tino.optimise import TiNOOptimize
    from elect_tino.nodes.tino.rewards import TiNOReward

    TiNOOptimize.hidden = SimpleNamespace(unique_id=None)
    generator = torch.Generator().manual_seed(3)
    with torch.inference_mode():
        model = build(QWEN, tmp_path_factory.mktemp("qwen"))
        text = [[torch.randn(1, 7, WIDTH, generator=generator), {}]]
        source = torch.randn(1, 16, 8, 8, generator=generator)
        (reward,) = TiNOReward.execute("saturation", 1.0, model).args
    mask = torch.zeros(1, 64, 64)
    mask[:, 16:48, 16:48] = 1

    @torch.inference_mode()
    def run(samples=source, **given):
        wired = {"model": model, "positive": text, "mask": mask, "reward": reward}
        out = TiNOOptimize.execute(**{**NUMBERS, **wired, "source": {"samples": samples}, **given})
        latent, noise, *_ = out.args
        return SimpleNamespace(latent=latent["samples"], noise=noise, source=source, model=model)

    return run


def test_both_layouts_of_a_picture_give_the_same_edit_in_the_models_own(optimize):
    plain = optimize()
    framed = optimize(plain.source.unsqueeze(2))
    assert plain.latent.shape == (1, 16, 1, 8, 8)
    assert torch.equal(plain.latent, framed.latent)
    outside = plain.latent[0, :, 0, 0] - plain.source[0, :, 0]
    assert_close(outside, torch.zeros_like(outside), atol=1e-4, rtol=0)
    assert not torch.equal(plain.noise.noise, optimize(iterations=0, tries=1).noise.noise)


def test_the_noise_fits_the_hosts_own_sampler(optimize):
    found = optimize()
    given = found.noise.generate_noise({"samples": found.source.unsqueeze(2)})
    assert given.shape == (1, 16, 1, 8, 8)


def test_all_iterations_come_out_as_a_batch_and_tries_run_side_by_side(optimize):
    assert optimize(result="all").latent.shape == (2, 16, 1, 8, 8)
    assert optimize(iterations=0, tries=3).latent.shape == (1, 16, 1, 8, 8)


def test_a_start_may_come_in_either_layout(optimize):
    painted = optimize().source + 0.5
    one, other = (optimize(start={"samples": p}) for p in (painted, painted.unsqueeze(2)))
    assert torch.equal(one.latent, other.latent)


def test_a_video_is_refused(optimize):
    with pytest.raises(ValueError, match=r"source: expected the latent of pictures"):
        optimize(torch.randn(1, 16, 2, 8, 8))


def test_the_mask_by_relevance_is_that_of_pictures(optimize):
    from elect_tino.nodes.host.tino.relevance import relevance

    found = optimize(iterations=0, tries=1)
    texts = [[[torch.randn(1, 7, WIDTH), {}]] for _ in range(2)]
    with torch.inference_mode():
        cells = relevance(found.model, {"samples": found.source}, *texts, [0], 0.5)
    assert cells.shape == (1, 1, 8, 8)
    assert cells.amax() > 0
