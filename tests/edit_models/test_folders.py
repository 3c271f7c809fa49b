"""A diffusers folder: its denoiser, and what its configurations say."""

import pytest

from elect_tino.edit_models.folders import Facts, denoiser, facts

from .test_files import write


@pytest.mark.parametrize("part", ["unet", "transformer"])
def test_the_denoiser_is_the_part_that_is_there(tmp_path, part):
    write(tmp_path / "model_index.json", {})
    (tmp_path / part).mkdir()
    assert denoiser(tmp_path) == part


def test_a_folder_without_an_index_or_a_denoiser_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"name: .*model_index\.json is missing"):
        denoiser(tmp_path)
    write(tmp_path / "model_index.json", {})
    with pytest.raises(ValueError, match="neither unet/ nor transformer/"):
        denoiser(tmp_path)


@pytest.mark.parametrize(
    ("config", "heads"),
    [
        ({}, 8),
        ({"attention_head_dim": 4}, 4),
        ({"attention_head_dim": [8, 8]}, 8),
        ({"attention_head_dim": 40, "num_attention_heads": 8}, 8),
    ],
)
def test_heads_are_read_as_diffusers_means_them(config, heads, tmp_path):
    write(tmp_path / "unet/config.json", config)
    assert facts(tmp_path, "unet") == Facts(heads=heads)


@pytest.mark.parametrize(
    ("part", "config", "message"),
    [
        ("unet", {"attention_head_dim": [5, 10]}, r"gives \[5, 10\] attention heads"),
        ("unet", {"norm_num_groups": 16}, "norm_num_groups = 16; ComfyUI's model has 32"),
        ("unet", {"act_fn": "gelu"}, "act_fn = 'gelu'"),
        ("transformer", {"attention_head_dim": 32}, "attention_head_dim = 32"),
    ],
)
def test_what_comfyuis_models_do_otherwise_is_refused(part, config, message, tmp_path):
    write(tmp_path / part / "config.json", config)
    with pytest.raises(ValueError, match=f"^name: .*{part}.config.json .*{message}"):
        facts(tmp_path, part)


def test_the_prediction_is_the_schedulers(tmp_path):
    write(tmp_path / "unet/config.json", {})
    write(tmp_path / "scheduler/scheduler_config.json", {"prediction_type": "v_prediction"})
    assert facts(tmp_path, "unet").prediction == "v_prediction"
    write(tmp_path / "scheduler/scheduler_config.json", {"prediction_type": "sample"})
    with pytest.raises(ValueError, match=r"^name: .*scheduler_config.json says .* 'sample'"):
        facts(tmp_path, "unet")
