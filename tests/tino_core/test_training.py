"""The distillation script: resumed runs, data that is read, what bad input gets."""

import json
import subprocess
import sys

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.latent_clip import load_latent_clip
from elect_tino.tino_core.latent_vgg import load_latent_vgg
from elect_tino.tino_core.training.distil import Distillation, distil, rate
from elect_tino.tino_core.weights import check_space

from .small_training import losses, options, vgg


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
