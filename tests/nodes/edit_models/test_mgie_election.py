"""MGIE's embeddings elect as any text does: its own null is the relevance map's."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from .mgie_files import random_files

pytestmark = pytest.mark.comfy

CONTEXT, NUM_STEPS = 16, 8  # of conftest's small UNet and its SIGMAS


@pytest.fixture(scope="module")
def edit(scene, tmp_path_factory):
    """What a user wires: MGIEConditioning, the source picture, DualCFGGuider style regular."""
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG

    from elect_tino.nodes.edit_models.mgie import MGIEConditioning
    from elect_tino.nodes.host.edit_models.mgie import load

    folder = tmp_path_factory.mktemp("mgie")
    random_files(features=CONTEXT).write(folder)
    image = torch.rand(1, 40, 30, 3, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        model = load(folder / "llava", folder / "clip", folder / "mllm.pt")
        said = MGIEConditioning.execute(model, "make the sky pink", image, "").args
    (positive, _), (null, _) = said[0][0], said[1][0]
    shown = {"concat_latent_image": scene.source}
    guider = Guider_DualCFG(scene.model)
    guider.set_conds([[positive, shown]], [[null, shown]], [[null, {}]])
    guider.set_cfg(3.0, 1.5)
    given = (guider, "euler", scene.sigmas, scene.latent)
    return SimpleNamespace(given=given, guider=guider, positive=positive, null=null)


def test_candidates_are_their_seeds_and_resume_bit_equal(edit, elect, stock):
    found = elect.partial(*edit.given, candidates_per_batch=1)
    finished = elect.resume(found)[0]["samples"]
    for row, seed in enumerate(found.seeds):
        assert torch.equal(finished[row : row + 1], stock(*edit.given, seed)[0])


def euler_run(edit, scene, seed: int) -> list[SimpleNamespace]:
    """One seed by the UNet itself: the three predictions, the rule and the steps written out."""
    import comfy.model_management

    comfy.model_management.load_models_gpu([scene.model])
    unet = scene.model.model
    noise = torch.randn(scene.source.shape, generator=torch.manual_seed(seed))
    x, steps = noise * (1 + scene.sigmas[0] ** 2) ** 0.5, []
    for sigma, following in zip(scene.sigmas[:-1], scene.sigmas[1:], strict=True):

        def denoised(text: Tensor, picture: Tensor, x=x, sigma=sigma) -> Tensor:
            return unet.apply_model(x, sigma[None], c_concat=picture, c_crossattn=text)

        both = denoised(edit.positive, scene.source)
        image = denoised(edit.null, scene.source)
        bare = denoised(edit.null, torch.zeros_like(scene.source))
        guided = bare + 1.5 * (image - bare) + 3.0 * (both - image)
        steps.append(SimpleNamespace(difference=(both - image).abs().sum(1), guided=guided))
        x = x + (x - guided) / sigma * (following - sigma)
    return steps


def test_relevance_and_bis_are_the_naive_ones(edit, scene, elect):
    found = elect.partial(*edit.given, num_candidates=2, stop=0.5)
    with torch.inference_mode():
        runs = [euler_run(edit, scene, seed) for seed in found.seeds]
    total = torch.zeros(10, 8)
    for run in runs:
        for step in run[:2]:
            raw = step.difference[0]
            total += (raw - raw.min()) / (raw.max() - raw.min()) / 4
    mask = elect.relevance(found, end=2 / NUM_STEPS)[0]
    enlarged = torch.nn.functional.interpolate((total**2)[None, None], (80, 64), mode="bilinear")
    assert_close(mask, enlarged[:, 0], atol=1e-4, rtol=0)

    weight = 1 - torch.nn.functional.avg_pool2d(enlarged, 8)[0, 0]
    source = scene.source[0] * 0.18215
    changes = [(run[3].guided[0] - source).abs().mean(0) for run in runs]
    expected = [float((change * weight).sum() / weight.sum()) for change in changes]
    shown = elect.select(found, relevance=mask).ui["elect"][0]
    assert shown["scores"] == pytest.approx(expected, rel=1e-4)
