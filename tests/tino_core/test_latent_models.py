"""LatentCLIP and LatentVGG: the architectures, the authors' files, and files that are refused."""

import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Conv2d
from torch.testing import assert_close

from elect_tino.tino_core.latent_clip import VIT_B_32, LatentCLIP, load_latent_clip
from elect_tino.tino_core.latent_vgg import LatentVGG, load_latent_vgg
from elect_tino.tino_core.weights import check_space, read_weights

SMALL = VIT_B_32 | {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "projection_dim": 24,
}


def openai_state(width: int = 128, layers: int = 2, out: int = 24) -> dict[str, Tensor]:
    """A random visual tower under OpenAI's names: heads of 64, 7 x 7 patches of 9."""
    torch.manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape) * 0.1

    state = {
        "conv1.weight": random(width, 4, 9, 9),
        "class_embedding": random(width),
        "positional_embedding": random(50, width),
        "proj": random(width, out),
    }
    for name in ("ln_pre", "ln_post"):
        state |= {f"{name}.weight": 1 + random(width), f"{name}.bias": random(width)}
    for layer in range(layers):
        home = f"transformer.resblocks.{layer}"
        shapes = {
            "attn.in_proj_weight": (3 * width, width),
            "attn.in_proj_bias": (3 * width,),
            "attn.out_proj.weight": (width, width),
            "attn.out_proj.bias": (width,),
            "mlp.c_fc.weight": (4 * width, width),
            "mlp.c_fc.bias": (4 * width,),
            "mlp.c_proj.weight": (width, 4 * width),
            "mlp.c_proj.bias": (width,),
            "ln_1.weight": (width,),
            "ln_1.bias": (width,),
            "ln_2.weight": (width,),
            "ln_2.bias": (width,),
        }
        state |= {f"{home}.{name}": random(*shape) for name, shape in shapes.items()}
    return state


def naive_openai(state: dict[str, Tensor], latent: Tensor) -> Tensor:
    """OpenAI's visual tower written out from its published structure."""

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    x = F.interpolate(latent, size=(63, 63), mode="bicubic", align_corners=False)
    x = F.conv2d(x, state["conv1.weight"], stride=9).flatten(2).mT
    first = state["class_embedding"].expand(len(x), 1, -1)
    x = norm(torch.cat([first, x], 1) + state["positional_embedding"], "ln_pre")
    heads = x.shape[-1] // 64
    for layer in range(2):
        home = f"transformer.resblocks.{layer}"
        y = norm(x, f"{home}.ln_1")
        weight, bias = state[f"{home}.attn.in_proj_weight"], state[f"{home}.attn.in_proj_bias"]
        q, k, v = (
            t.unflatten(-1, (heads, 64)).mT.mT.transpose(1, 2)
            for t in F.linear(y, weight, bias).chunk(3, -1)
        )
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + F.linear(
            attended, state[f"{home}.attn.out_proj.weight"], state[f"{home}.attn.out_proj.bias"]
        )
        y = norm(x, f"{home}.ln_2")
        y = F.linear(y, state[f"{home}.mlp.c_fc.weight"], state[f"{home}.mlp.c_fc.bias"])
        y = y * torch.sigmoid(1.702 * y)
        x = x + F.linear(y, state[f"{home}.mlp.c_proj.weight"], state[f"{home}.mlp.c_proj.bias"])
    return norm(x[:, 0], "ln_post") @ state["proj"]


@pytest.mark.parametrize("prefix", ["", "visual.", "module.visual."])
@pytest.mark.parametrize("suffix", [".pt", ".ckpt"])
def test_the_authors_files_give_openais_features(tmp_path, prefix, suffix):
    state = openai_state()
    path = tmp_path / f"LatentCLIP{suffix}"
    torch.save({prefix + key: value for key, value in state.items()}, path)
    latent = torch.randn(2, 4, 64, 48)
    with torch.no_grad():
        features = load_latent_clip(path)(latent)
    assert_close(features, naive_openai(state, latent), atol=1e-5, rtol=1e-4)


def test_the_full_size_is_vit_b_32_with_patches_of_nine_cells():
    with torch.device("meta"):
        model = LatentCLIP()
    embeddings = model.tower.vision_model.embeddings
    assert embeddings.patch_embedding.weight.shape == (768, 4, 9, 9)
    assert model.tower.vision_model.encoder.layers[0].mlp.fc1.weight.shape == (3072, 768)
    assert embeddings.position_embedding.weight.shape == (50, 768)
    assert model.tower.visual_projection.weight.shape == (512, 768)


def test_our_files_come_back_with_their_latent_space(tmp_path):
    model = LatentCLIP(SMALL, "sd15").eval()
    model.save(tmp_path / "clip.safetensors")
    again = load_latent_clip(tmp_path / "clip.safetensors")
    latent = torch.randn(1, 4, 16, 16)
    assert again.latent_space == "sd15"
    assert again.config == SMALL
    with torch.no_grad():
        assert torch.equal(again(latent), model(latent))


def test_features_have_gradients_back_to_the_latent():
    latent = torch.randn(1, 4, 16, 16, requires_grad=True)
    LatentCLIP(SMALL).eval()(latent).sum().backward()
    assert latent.grad is not None
    assert bool(latent.grad.abs().sum() > 0)


def test_the_authors_vgg_is_torchvisions_with_four_channels(tmp_path):
    from torchvision.models import vgg16

    torch.manual_seed(0)
    network = vgg16(num_classes=10)
    network.features[0] = Conv2d(4, 64, 3, padding=1)
    torch.save(network.state_dict(), tmp_path / "LatentVGG.pt")
    model = load_latent_vgg(tmp_path / "LatentVGG.pt")
    latent = torch.randn(1, 4, 32, 32)
    with torch.no_grad():
        assert_close(model(latent), network.eval()(latent))
    assert model.config == {"num_channels": 4, "num_classes": 10}


def test_latents_of_another_space_are_refused():
    check_space("LatentCLIP", "sdxl", "sdxl")
    check_space("LatentCLIP", None, "sd15")
    with pytest.raises(ValueError, match="LatentCLIP: .* of sdxl, but the MODEL uses sd15"):
        check_space("LatentCLIP", "sdxl", "sd15")


class Payload:
    def __reduce__(self):
        return (print, ("code ran",))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_that_would_run_code_is_refused(tmp_path, capsys):
    path = tmp_path / "evil.pt"
    torch.save({"conv1.weight": Payload()}, path)
    with pytest.raises(ValueError, match="evil.pt could not .* would run code, which is refused"):
        load_latent_clip(path)
    plain = tmp_path / "plain.ckpt"
    plain.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ValueError, match="plain.ckpt could .*refused"):
        load_latent_vgg(plain)
    assert "code ran" not in capsys.readouterr().out


def test_missing_truncated_and_foreign_files_name_themselves(tmp_path):
    with pytest.raises(ValueError, match="none.safetensors is not in "):
        read_weights(tmp_path / "none.safetensors")
    LatentCLIP(SMALL, "sd15").save(tmp_path / "cut.safetensors")
    whole = (tmp_path / "cut.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut.safetensors is no whole safetensors file"):
        load_latent_clip(tmp_path / "cut.safetensors")
    torch.save(openai_state(), tmp_path / "clip.pt")
    with pytest.raises(ValueError, match="clip.pt: its weights are of another architecture"):
        load_latent_vgg(tmp_path / "clip.pt")


def test_a_missing_key_is_named(tmp_path):
    state = openai_state()
    del state["ln_post.bias"]
    torch.save(state, tmp_path / "gap.pt")
    with pytest.raises(ValueError, match=r"1 keys missing \['vision_model.post_layernorm.bias'\]"):
        load_latent_clip(tmp_path / "gap.pt")


def test_latent_vgg_is_saved_with_its_sizes(tmp_path):
    model = LatentVGG({"num_channels": 4, "num_classes": 3}, "embedded")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    path = tmp_path / "vgg.safetensors"
    model.save(path)
    assert load_latent_vgg(path).latent_space == "embedded"
