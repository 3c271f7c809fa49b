"""ELECT on the embedded rectified-flow model: seeds, resuming and relevance as on any other."""

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from elect_tino.embedded.world.examples import index, load_example

from ..conftest import of_host

pytestmark = pytest.mark.comfy

STEPS = 10


@pytest.fixture(scope="module")
def flow():
    """Guider, LATENT and SIGMAS of an example edit, with its true mask."""
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG
    from comfy_extras.nodes_ip2p import InstructPixToPixConditioning

    from elect_tino.nodes.embedded import EmbeddedModelLoader

    model, clip, vae = EmbeddedModelLoader.execute("flow").args
    example = load_example(next(iter(index())))
    texts = [clip.encode_from_tokens_scheduled(clip.tokenize(t)) for t in (example.instruction, "")]
    picture = torch.from_numpy(example.source)[None]
    with torch.inference_mode():
        positive, middle, latent = of_host(InstructPixToPixConditioning, *texts, picture, vae)
    guider = Guider_DualCFG(model)
    guider.set_conds(positive, middle, texts[1])
    guider.set_cfg(2.0, 1.5)
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", STEPS)
    return SimpleNamespace(guider=guider, latent=latent, sigmas=sigmas, mask=example.mask)


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde"])
def test_stop_and_resume_is_bit_equal_to_the_uninterrupted_run(sampler, flow, stock, elect):
    expected, _ = stock(flow.guider, sampler, flow.sigmas, flow.latent, 4)
    found = elect.partial(flow.guider, sampler, flow.sigmas, flow.latent, candidates_per_batch=1)
    assert torch.equal(elect.resume(found.rows([1]))[0]["samples"], expected)


def test_batched_candidates_agree_with_their_seeds_alone(flow, stock, elect):
    found = elect.partial(flow.guider, "euler", flow.sigmas, flow.latent, stop=1.0)
    alone = [stock(flow.guider, "euler", flow.sigmas, flow.latent, s)[0] for s in found.seeds]
    assert_close(elect.resume(found)[0]["samples"], torch.cat(alone), atol=1e-3, rtol=1e-3)


def test_relevance_marks_the_true_edit(flow, elect):
    found = elect.partial(flow.guider, "euler", flow.sigmas, flow.latent, num_candidates=8)
    relevance, mask = elect.relevance(found)[0][0], torch.from_numpy(flow.mask)
    relevance = torch.nn.functional.interpolate(relevance[None, None], mask.shape)[0, 0]
    assert float(relevance[mask > 0].mean()) > 3 * float(relevance[mask == 0].mean())
