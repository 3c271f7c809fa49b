"""The tiny VAE: widening keeps the function; the shipped file loads as ComfyUI's own TAESD."""

import pytest
import torch

from elect_tino.embedded.model.vae import TinyVAE, widen
from elect_tino.embedded.world.examples import index, load_example

pytestmark = pytest.mark.comfy


def example_pictures() -> torch.Tensor:
    """The shipped test pictures, (N, H, W, 3) in [0, 1]."""
    return torch.stack([torch.from_numpy(load_example(name).source) for name in index()])


@torch.no_grad()
def test_widened_weights_are_the_same_function_in_comfyui():
    import comfy.sd

    torch.manual_seed(0)
    vae = TinyVAE((8, 8, 16, 16)).eval()
    for module in vae.modules():  # leave the identity start, or blocks would go untested
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    vae.scale.fill_(2.0)
    vae.shift.fill_(0.3)
    host = comfy.sd.VAE(sd=widen(vae))
    pictures = torch.rand(2, 32, 32, 3)
    latents = vae.encode(pictures.permute(0, 3, 1, 2))
    torch.testing.assert_close(host.encode(pictures), latents, rtol=1e-4, atol=1e-4)
    expected = vae.decode(latents).permute(0, 2, 3, 1)
    torch.testing.assert_close(host.decode(latents), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_shipped_vae_rebuilds_unseen_pictures():
    from elect_tino.embedded.model.comfyui import WEIGHTS, load_vae

    vae, pictures = load_vae(WEIGHTS / "vae.safetensors"), example_pictures()
    latents = vae.encode(pictures)
    assert latents.shape == (len(pictures), 4, 16, 16)
    error = (vae.decode(latents) - pictures).square().mean((1, 2, 3))
    assert (-10 * error.log10()).mean() >= 27


@torch.no_grad()
def test_stock_vae_loader_reads_the_shipped_file(monkeypatch):
    import folder_paths
    import nodes

    from elect_tino.embedded.model.comfyui import WEIGHTS, load_vae

    folder_paths.add_model_folder_path("vae", str(WEIGHTS))
    (stock,) = nodes.VAELoader().load_vae("vae.safetensors")
    pictures = example_pictures()[:1]
    ours = load_vae(WEIGHTS / "vae.safetensors")
    torch.testing.assert_close(stock.encode(pictures), ours.encode(pictures))


def test_decoder_stage_leaves_latents_as_they_are(tmp_path):
    pytest.importorskip("skimage", reason="photographs come with scikit-image")
    from elect_tino.embedded.training.run import Budget
    from elect_tino.embedded.training.vae import train_decoder

    torch.manual_seed(0)
    start = TinyVAE()
    after, steps = train_decoder(start, tmp_path, Budget(steps=2), num_scenes=4)
    assert steps == 2
    pictures = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(after.encode(pictures), start.encode(pictures))
    assert not torch.equal(after.decoder[1].weight, start.decoder[1].weight)
