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
        ("unet", {"norm_eps": 1e-6}, "norm_eps = 1e-06"),
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


SCHEDULER = "scheduler/scheduler_config.json"


@pytest.mark.parametrize(
    ("part", "stated"),
    [
        ("unet", {"beta_start": 0.0001}),
        ("unet", {"beta_end": 0.02}),
        ("unet", {"beta_schedule": "linear"}),
        ("unet", {"trained_betas": [0.1, 0.2]}),
        ("unet", {"num_train_timesteps": 500}),
        ("unet", {"rescale_betas_zero_snr": True}),
        ("transformer", {"num_train_timesteps": 500}),
        ("transformer", {"use_dynamic_shifting": True}),
        ("transformer", {"prediction_type": "epsilon"}),
    ],
    ids=str,
)
def test_noise_levels_of_another_model_are_refused(part, stated, tmp_path):
    write(tmp_path / part / "config.json", {})
    write(tmp_path / SCHEDULER, stated)
    (key,) = stated
    message = rf"^name: .*scheduler_config\.json says {key} = .*; ComfyUI's model has "
    with pytest.raises(ValueError, match=message):
        facts(tmp_path, part)


def test_noise_levels_are_held_to_what_is_stated_only(tmp_path):
    write(tmp_path / "unet/config.json", {})
    levels = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    for stated in ({}, levels, {**levels, "num_train_timesteps": 1000, "trained_betas": None}):
        write(tmp_path / SCHEDULER, stated)
        assert facts(tmp_path, "unet") == Facts()


@pytest.mark.parametrize(
    ("stated", "shift"), [({}, 3.0), ({"shift": 1}, 1.0), ({"shift": 5.5}, 5.5)]
)
def test_the_shift_is_the_schedulers(stated, shift, tmp_path):
    write(tmp_path / "transformer/config.json", {})
    assert facts(tmp_path, "transformer").shift == 3.0
    write(tmp_path / SCHEDULER, stated)
    assert facts(tmp_path, "transformer") == Facts(shift=shift)


@pytest.mark.parametrize("shift", ["0", "-1", "NaN", "1e999", "null", '"3"'])
def test_a_shift_that_is_none_is_refused(shift, tmp_path):
    write(tmp_path / "transformer/config.json", {})
    write(tmp_path / SCHEDULER, f'{{"shift": {shift}}}')
    with pytest.raises(ValueError, match=r"^name: .*scheduler_config.json says shift .* above 0"):
        facts(tmp_path, "transformer")
