"""The embedded weights as files: what they say, and what is refused in their place."""

import os
import pickle
import shutil

import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture
def weights(tmp_path):
    """A copy of the shipped weights that a test may break."""
    from elect_tino.embedded.model.comfyui import WEIGHTS

    for name in ("unet", "text_encoder", "vae"):
        shutil.copy(WEIGHTS / f"{name}.safetensors", tmp_path)
    return tmp_path


def save(path, state, metadata=None):
    from safetensors.torch import save_file

    save_file(state, path, metadata=metadata)


def metadata_of(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata()


@pytest.mark.parametrize("prediction", [None, "epsilon"])
def test_a_prediction_that_is_not_ours_is_refused(weights, prediction):
    from elect_tino.embedded.model.comfyui import load_unet, read_weights

    path = weights / "unet.safetensors"
    said = {k: v for k, v in metadata_of(path).items() if k != "prediction"}
    save(path, read_weights(path), said | ({"prediction": prediction} if prediction else {}))
    with pytest.raises(ValueError, match="predicts .*, expected one of .*rectified flow"):
        load_unet(path)


def test_missing_key_is_refused(weights):
    from elect_tino.embedded.model.comfyui import load_unet, read_weights

    path = weights / "unet.safetensors"
    state, metadata = read_weights(path), metadata_of(path)
    del state["time_embed.0.bias"]
    save(path, state, metadata)
    with pytest.raises(ValueError, match=r"missing \['time_embed.0.bias'\]"):
        load_unet(path)


def test_four_channel_unet_is_refused(weights):
    from elect_tino.embedded.model.comfyui import load_unet, read_weights

    path = weights / "unet.safetensors"
    state, metadata = read_weights(path), metadata_of(path)
    state["input_blocks.0.0.weight"] = state["input_blocks.0.0.weight"][:, :4].contiguous()
    save(path, state, metadata)
    with pytest.raises(ValueError, match="8 input channels"):
        load_unet(path)


@pytest.mark.parametrize("name", ["unet", "text_encoder", "vae"])
def test_truncated_file_is_refused(weights, name):
    from elect_tino.embedded.model.comfyui import load_embedded

    path = weights / f"{name}.safetensors"
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ValueError, match=f"{name}.safetensors is no whole safetensors file"):
        load_embedded(weights)


@pytest.mark.parametrize("name", ["unet", "text_encoder", "vae"])
def test_pickle_under_the_right_name_is_refused_not_loaded(weights, tmp_path, name):
    from elect_tino.embedded.model.comfyui import load_embedded

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "trapped"),))

    (weights / f"{name}.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="never loaded"):
        load_embedded(weights)
    assert not (tmp_path / "trapped").exists()


def test_missing_file_names_the_cure(weights):
    from elect_tino.embedded.model.comfyui import load_embedded

    (weights / "vae.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="vae.safetensors; restore the file"):
        load_embedded(weights)


def test_weights_say_what_they_are_and_are_small():
    from elect_tino.embedded.model.comfyui import WEIGHTS

    files = sorted(WEIGHTS.glob("*.safetensors"))
    assert sum(f.stat().st_size for f in files) < 60e6
    for file in files:
        assert metadata_of(file)["license"] == "Apache-2.0"
        assert "elect_tino.embedded.train" in metadata_of(file)["trained"]
