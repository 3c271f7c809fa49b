"""A diffusers folder: its parts, its files, and the errors that name the path."""

import json
from pathlib import Path

import pytest

from elect_tino.edit_models.folders import (
    Facts,
    denoiser,
    facts,
    read_json,
    weight_files,
)


def write(path: Path, content: object = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


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


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_broken_configuration_is_refused_by_its_path(tmp_path, content):
    with pytest.raises(ValueError, match=r"^name: .*config\.json"):
        read_json(write(tmp_path / "config.json", content))


def test_safetensors_come_before_pickles_and_full_precision_before_half(tmp_path):
    names = ["safetensors", "fp16.safetensors", "bin", "fp16.bin"]
    for name in reversed(names):
        path = write(tmp_path / f"diffusion_pytorch_model.{name}")
        assert weight_files(tmp_path) == [path]


def test_a_text_encoders_files_have_names_of_their_own(tmp_path):
    assert weight_files(write(tmp_path / "a/model.safetensors").parent)
    assert weight_files(write(tmp_path / "b/pytorch_model.bin").parent)


@pytest.mark.parametrize("ending", ["safetensors.index.json", "safetensors.index.fp16.json"])
def test_shards_are_all_found_or_the_missing_one_is_named(ending, tmp_path):
    index = {"weight_map": {"x": "m-1.safetensors", "y": "m-2.safetensors", "z": "m-1.safetensors"}}
    write(tmp_path / f"model.{ending}", index)
    write(tmp_path / "m-1.safetensors")
    with pytest.raises(ValueError, match=r"names 2 files, of which \['m-2.safetensors'\]"):
        weight_files(tmp_path)
    write(tmp_path / "m-2.safetensors")
    assert [path.name for path in weight_files(tmp_path)] == ["m-1.safetensors", "m-2.safetensors"]


def test_an_index_cannot_lead_out_of_its_folder(tmp_path):
    outside = write(tmp_path / "secret.bin")
    part = tmp_path / "part"
    write(part / "model.bin.index.json", {"weight_map": {"x": f"../{outside.name}"}})
    with pytest.raises(ValueError, match="missing beside it"):
        weight_files(part)


def test_a_part_without_weights_is_refused_by_its_path(tmp_path):
    with pytest.raises(ValueError, match="holds no weights; expected diffusion_pytorch_model"):
        weight_files(tmp_path)


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
