"""The training's options: told, read, refused by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from elect_tino.tino_core.latent_vgg import LatentVGG
from elect_tino.tino_core.training.distil import distil
from elect_tino.tino_core.training.options import Options, parser, read_options

from .small_training import VGG_SIZES, losses, options


def test_help_names_every_option():
    done = subprocess.run(
        [sys.executable, "-m", "elect_tino.tino_core.training", "--help"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    for action in parser()._actions:
        assert all(name in done.stdout for name in action.option_strings)
    assert "diffusers" not in done.stderr


def test_command_line_is_read(tmp_path):
    line = "vgg --teacher t --vae v --latent-space SD15 --images i --output o.safetensors --run r"
    made = read_options([*line.split(), "--batch", "8", "--half", "--note", "a=b=c"])
    assert made == Options(
        "vgg", "t", "v", "SD15", "i", Path("o.safetensors"), Path("r"),
        batch=8, half=True, note=("a=b=c",),
    )  # fmt: skip
    assert made.notes == {"a": "b=c"}
    assert (made.lr, made.steps) == (1e-5, 100_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": "nowhere"}, "--images: there is no folder nowhere"),
        ({"images": "nowhere-{0..1}.tar"}, "--images: there is no shard nowhere-0.tar"),
        ({"validation_images": "nowhere"}, "--validation-images: there is no folder"),
        ({"batch": 200}, "--images: .* pictures to train on, one step takes 200.*--batch"),
        ({"validation_share": 0.0}, "--validation-share: .* leaves no picture"),
        ({"teacher": "nowhere/at/all"}, "--teacher: there is no model"),
        ({"student": "vgg"}, "--teacher: .*"),
        ({"vae": "nowhere/at/all"}, "--vae: there is no"),
        ({"student_config": Path("nowhere.json")}, "--student-config: there is no file"),
        ({"lr": 1e30, "steps": 9}, "--lr: the loss became nan at step"),
    ],
)
def test_bad_input_gives_an_error_that_names_the_option(world, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        distil(options(world, tmp_path, **changes))


def test_a_folder_that_is_no_model_is_named(world, tmp_path):
    with pytest.raises(ValueError, match="--vae: expected one of AutoencoderKL, AutoencoderTiny"):
        distil(options(world, tmp_path, vae=str(world / "clip")))
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="--teacher: expected a CLIP model .* got bert"):
        distil(options(world, tmp_path, teacher=str(tmp_path / "bert")))
    LatentVGG({**VGG_SIZES, "num_channels": 4}, "SD15").save(tmp_path / "latent.safetensors")
    with pytest.raises(ValueError, match="--teacher: expected a VGG of pictures with 3 channels"):
        distil(
            options(world, tmp_path, student="vgg", teacher=str(tmp_path / "latent.safetensors"))
        )


def test_another_feature_size_is_refused(world, tmp_path):
    (tmp_path / "sizes.json").write_text('{"projection_dim": 9}')
    with pytest.raises(ValueError, match="--student-config: the student gives 9 numbers"):
        distil(options(world, tmp_path, student_config=tmp_path / "sizes.json"))


def test_a_run_is_not_gone_on_with_under_other_settings(world, tmp_path):
    distil(options(world, tmp_path, steps=1))
    distil(options(world, tmp_path, steps=2, workers=2))
    assert len(losses(tmp_path / "run")) == 2
    with pytest.raises(ValueError, match="--batch: the run in .* was started with 4, this is 5"):
        distil(options(world, tmp_path, batch=5))
