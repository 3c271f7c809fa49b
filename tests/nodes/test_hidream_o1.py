"""HiDream-O1 at small size: a model of pixels that is shown its source as a picture."""

import pytest
import torch
from torch.testing import assert_close

from .reference_models import randomise

pytestmark = pytest.mark.comfy

TEXT = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 128,
}
VISION = {"hidden_size": 32, "num_heads": 2, "intermediate_size": 32, "depth": 1}


@pytest.fixture(scope="module")
def o1():
    """The MODEL, an edit's guider and the picture, 96 x 64 pixels."""
    import comfy.model_management
    import comfy.model_patcher
    import comfy.samplers
    import comfy.supported_models

    kind = getattr(comfy.supported_models, "HiDreamO1", None)
    if kind is None:
        pytest.skip("this ComfyUI has no HiDreamO1")
    settings = {
        "image_model": "hidream_o1",
        "text_config_overrides": TEXT,
        "vision_config_overrides": VISION,
    }
    config = kind(settings)
    config.set_inference_dtype(torch.float32, None)
    config.custom_operations = None
    model = config.get_model({}, device=torch.device("cpu")).eval()
    randomise(model.diffusion_model)
    device = comfy.model_management.get_torch_device()
    patcher = comfy.model_patcher.ModelPatcher(model, device, torch.device("cpu"))
    picture = torch.rand(1, 96, 64, 3, generator=torch.Generator().manual_seed(1))
    ids = [torch.arange(start, start + 9)[None] for start in (100, 900)]
    texts = [
        [[torch.zeros(1, 1, 1), {"text_input_ids": one, "reference_latents": [picture]}]]
        for one in ids
    ]
    guider = comfy.samplers.CFGGuider(patcher)
    guider.set_conds(*texts)
    guider.set_cfg(5.0)
    return patcher, guider, picture


@pytest.fixture(scope="module")
def vae():
    import comfy.sd

    return comfy.sd.VAE({"pixel_space_vae": torch.tensor(1.0)})


def test_candidates_are_true_to_their_seeds_and_compared_with_the_picture(o1, vae, elect, stock):
    import comfy.samplers

    patcher, guider, picture = o1
    sampling = patcher.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 5)
    latent = {"samples": torch.zeros(1, 3, 96, 64)}
    found = elect.partial(guider, "euler", sigmas, latent, candidates_per_batch=1)
    finished = elect.resume(found)[0]["samples"]
    for row, seed in enumerate(found.seeds):
        expected, _ = stock(guider, "euler", sigmas, latent, seed)
        assert_close(finished[row : row + 1], expected, atol=1e-4, rtol=1e-4)
    mask = torch.zeros(1, 96, 64)
    mask[..., :32] = 1
    facts = elect.select(found, mask=mask, source_image=picture, vae=vae).ui["elect"][0]
    change = (found.estimates() - (picture.movedim(-1, 1) * 2 - 1)).abs().mean(1)
    assert_close(torch.tensor(facts["scores"]), change[..., 32:].mean((1, 2)), atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="source_image"):
        elect.select(found, mask=mask)


def test_full_and_dev_cannot_be_told_apart_so_the_full_one_is_taken(o1):
    from elect_tino.nodes.host.edit_models.families import detect_family

    assert detect_family(o1[0]) == "hidream_o1"
