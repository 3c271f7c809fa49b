"""The distillation script: resumed runs, data that is read, what bad input gets."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from elect_tino.tino_core.latent_clip import load_latent_clip
from elect_tino.tino_core.latent_vgg import LatentVGG, load_latent_vgg
from elect_tino.tino_core.training.distil import Distillation, distil, rate
from elect_tino.tino_core.training.options import Options, parser, read_options
from elect_tino.tino_core.weights import check_space

NUM_PICTURES = 24
CLIP_SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "projection_dim": 8,
    "num_channels": 3,
    "image_size": 32,
    "patch_size": 8,
}
VGG_SIZES: dict[str, Any] = {
    "num_channels": 3,
    "num_classes": 5,
    "layers": [8, "M", 8],
    "pool": 2,
    "hidden": 8,
    "dropout": 0.5,
    "image_size": 32,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """Pictures of one colour each, a VAE, and a teacher of either kind."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    root = tmp_path_factory.mktemp("training")
    torch.manual_seed(0)
    save_pictures(root / "images" / "some", NUM_PICTURES // 2, 0)
    save_pictures(root / "images" / "more", NUM_PICTURES // 2, 1)
    sizes: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (8, 8),
        "norm_num_groups": 4,
    }
    AutoencoderKL(**sizes, scaling_factor=0.25).save_pretrained(root / "vae")
    CLIPVisionModelWithProjection(CLIPVisionConfig(**CLIP_SIZES)).save_pretrained(root / "clip")
    LatentVGG(VGG_SIZES, "pixels").save(root / "vgg.safetensors")
    return root


def save_pictures(folder: Path, count: int, seed: int) -> None:
    folder.mkdir(parents=True)
    colours = np.random.default_rng(seed).integers(0, 256, (count, 3), dtype=np.uint8)
    for number, colour in enumerate(colours):
        Image.fromarray(np.broadcast_to(colour, (40, 32, 3)).copy()).save(
            folder / f"{number:03d}.png"
        )


def options(world: Path, out: Path, **changes) -> Options:
    given: dict[str, Any] = {
        "student": "clip",
        "teacher": str(world / "clip"),
        "vae": str(world / "vae"),
        "latent_space": "SD15",
        "images": str(world / "images"),
        "output": out / "student.safetensors",
        "run": out / "run",
        "resolution": 32,
        "batch": 4,
        "lr": 1e-3,
        "steps": 6,
        "checkpoint_every": 3,
        "validate_every": 3,
        "validation_share": 0.3,
        "workers": 1,
    }
    return Options(**{**given, **changes})


def vgg(world: Path) -> dict:
    return {"student": "vgg", "teacher": str(world / "vgg.safetensors")}


def losses(run: Path, name: str = "loss") -> list[float]:
    return [json.loads(line)["loss"] for line in (run / f"{name}.jsonl").read_text().splitlines()]


class Killed(BaseException):
    pass


def kill_after(monkeypatch, steps: int) -> None:
    """The process dies in the middle of a step."""
    step = Distillation.step

    def dying(self, number):
        if number == steps:
            raise Killed
        return step(self, number)

    monkeypatch.setattr(Distillation, "step", dying)


@pytest.mark.parametrize("student", ["clip", "vgg"])
@pytest.mark.parametrize("cached", [False, True])
def test_a_killed_run_goes_on_to_the_same_losses_and_weights(
    world, tmp_path, monkeypatch, student, cached
):
    def run(name):
        changes = vgg(world) if student == "vgg" else {}
        changes |= {"cache": tmp_path / "cache"} if cached else {"augment": True}
        distil(options(world, tmp_path / name, **changes))

    run("whole")
    with monkeypatch.context() as patch:
        kill_after(patch, 5)
        with pytest.raises(Killed):
            run("killed")
    assert len(losses(tmp_path / "killed/run")) == 5  # two more than the checkpoint
    run("killed")
    for name in ("loss", "validation"):
        whole = losses(tmp_path / "whole/run", name)
        assert losses(tmp_path / "killed/run", name) == whole
    load = load_latent_vgg if student == "vgg" else load_latent_clip
    ends = [load(tmp_path / n / "student.safetensors").state_dict() for n in ("whole", "killed")]
    assert_close(*ends, rtol=0, atol=0)


def test_loss_falls_and_beats_a_shuffled_pairing(world, tmp_path):
    distil(options(world, tmp_path, steps=60, validate_every=60, from_scratch=True))
    rows = [json.loads(r) for r in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert rows[-1]["loss"] < rows[-1]["shuffled"]


def test_weights_say_their_latent_space_and_are_refused_for_another(world, tmp_path):
    notes = ("license=Apache-2.0",)
    distil(options(world, tmp_path, steps=1, latent_space="SDXL", half=True, note=notes))
    model = load_latent_clip(tmp_path / "student.safetensors")
    # 4 patches a side as the teacher; the VAE halves 32 pixels to 16 cells.
    assert (model.config["image_size"], model.config["patch_size"]) == (16, 4)
    assert model(torch.zeros(1, 4, 16, 16)).shape == (1, 8)
    with pytest.raises(ValueError, match="trained on latents of SDXL, but the MODEL uses SD15"):
        check_space("LatentCLIP", model.latent_space, "SD15")
    from safetensors import safe_open

    with safe_open(tmp_path / "student.safetensors", framework="pt") as file:
        assert file.metadata()["license"] == "Apache-2.0"
        assert file.metadata()["trained"].startswith("1 steps")
        assert file.get_tensor("visual_projection.weight").dtype == torch.float16


def test_student_starts_from_the_teacher_where_shapes_fit(world, tmp_path):
    distil(options(world, tmp_path / "kept", steps=0))
    distil(options(world, tmp_path / "fresh", steps=0, from_scratch=True))
    from transformers import CLIPVisionModelWithProjection

    teacher = CLIPVisionModelWithProjection.from_pretrained(world / "clip").visual_projection.weight
    kept, fresh = (
        load_latent_clip(tmp_path / name / "student.safetensors").tower.visual_projection.weight
        for name in ("kept", "fresh")
    )
    assert torch.equal(kept, teacher)
    assert not torch.equal(fresh, teacher)


def test_student_config_changes_sizes(world, tmp_path):
    sizes = {"hidden_size": 8, "patch_size": 8}
    (tmp_path / "sizes.json").write_text(json.dumps(sizes))
    distil(options(world, tmp_path, steps=0, student_config=tmp_path / "sizes.json"))
    config = load_latent_clip(tmp_path / "student.safetensors").config
    assert {key: config[key] for key in sizes} == sizes


def test_cosine_schedule_ends_near_zero_and_warm_up_starts_there(world, tmp_path):
    made = options(world, tmp_path, schedule="cosine", steps=100, warmup=10)
    assert rate(made, 0) == pytest.approx(1e-4)
    assert rate(made, 99) < 1e-6
    assert rate(options(world, tmp_path), 5) == 1e-3


def test_help_names_every_option():
    done = subprocess.run(
        [sys.executable, "-m", "elect_tino.tino_core.training", "--help"],
        capture_output=True, text=True, check=True, timeout=60,
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


def test_tensorboard_gets_every_loss(world, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    distil(options(world, tmp_path, steps=3))
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    seen = [event.value for event in board.Scalars("loss/loss")]
    assert seen == pytest.approx(losses(tmp_path / "run"))


@pytest.mark.slow
def test_two_processes_of_accelerate_train_one_student_and_resume(world, tmp_path):
    def launch(name: str, steps: int) -> None:
        made = options(world, tmp_path / name)
        line = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_machines", "1"]
        line += ["--num_processes", "2", "--mixed_precision", "no", "--dynamo_backend", "no"]
        line += ["-m", "elect_tino.tino_core.training", "clip", "--steps", str(steps)]
        for field in ("teacher", "vae", "latent_space", "images", "output", "run", "resolution",
                      "batch", "lr", "checkpoint_every", "validate_every", "validation_share",
                      "workers"):  # fmt: skip
            line += [f"--{field.replace('_', '-')}", str(getattr(made, field))]
        subprocess.run(line, check=True, timeout=300)

    launch("whole", 6)
    launch("later", 3)
    launch("later", 6)
    assert len(losses(tmp_path / "whole/run")) == 6
    assert losses(tmp_path / "later/run") == losses(tmp_path / "whole/run")
