"""A student of few steps ends where its teacher does; stages of the table start where they say."""

import pytest
import torch

from elect_tino.embedded.training.run import Budget
from elect_tino.embedded.training.variants import AGAIN, VARIANTS, weights_of
from elect_tino.tests.embedded.test_training import losses, tiny_data

pytestmark = pytest.mark.comfy


def batch_of(tmp_path, size=4):
    from elect_tino.embedded.data.batches import draw_batch
    from elect_tino.embedded.data.dataset import load_dataset

    data = load_dataset(tiny_data(tmp_path / "data"))
    return draw_batch(data, size, torch.Generator().manual_seed(0))


def editor_of(name):
    from elect_tino.embedded.training.editor import shipped_editor

    return shipped_editor(VARIANTS[name].objective, name).eval().requires_grad_(False)


@pytest.mark.parametrize("name", ["flow", "drawing"])
def test_one_step_of_what_it_learns_ends_where_the_teacher_does(name, tmp_path):
    from elect_tino.embedded.training.distil import followed, guided, reached_in_one

    teacher, batch = editor_of(name), batch_of(tmp_path)
    sigmas = teacher.objective.sigmas(8)[2:5]
    x = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(1))
    end = followed(guided(teacher, 3.0, 1.5), x, sigmas, batch)
    wanted = reached_in_one(x, end, sigmas[0], sigmas[-1])
    once = x + (x - wanted) / sigmas[0] * (sigmas[-1] - sigmas[0])
    torch.testing.assert_close(once, end, rtol=1e-4, atol=1e-4)


def test_the_last_step_ends_at_the_estimate(tmp_path):
    from elect_tino.embedded.training.distil import followed, plain, reached_in_one

    editor, batch = editor_of("flow"), batch_of(tmp_path)
    sigmas = torch.tensor([0.25, 0.0])
    x = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(1))
    end = followed(plain(editor), x, sigmas, batch)
    torch.testing.assert_close(end, plain(editor)(x, sigmas[0], batch), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(reached_in_one(x, end, *sigmas), end)


def test_a_teacher_asked_for_no_more_than_its_student_leaves_nothing_to_learn(
    tmp_path, monkeypatch
):
    from elect_tino.embedded.training import distil

    monkeypatch.setitem(distil.SUBSTEPS, 4, 1)
    editor = editor_of("flow")
    loss = distil.Distilling(distil.plain(editor), 4)
    value, parts = loss(editor, batch_of(tmp_path), torch.Generator().manual_seed(2))
    assert value.item() < 1e-8
    assert set(parts) == {"distilling", "level"}


@pytest.mark.parametrize("name", ["flow_4", "flow_2", "drawing_4"])
def test_a_student_learns_its_teachers_steps(name, tmp_path):
    from elect_tino.embedded.training.editor import editor_to_tune, shipped_editor
    from elect_tino.embedded.training.unet import task_of, tune_unet

    variant = VARIANTS[name]
    many = "drawing" if name.startswith("drawing") else "flow"
    torch.manual_seed(0)
    start = editor_to_tune(tmp_path / many, variant.objective)
    teacher = shipped_editor(variant.objective, many)
    data = tiny_data(tmp_path / "data")
    task = task_of(variant, teacher)
    tune_unet(tmp_path / name, data, start, Budget(steps=24), batch=4, task=task)
    found = losses(tmp_path / name)
    assert sum(found[-8:]) < sum(found[:8])


def test_every_variant_starts_from_a_stage_of_its_own_objective_or_the_editor():
    for name, variant in VARIANTS.items():
        if variant.start != "unet":
            assert VARIANTS[variant.start].objective is variant.objective, name
            assert list(VARIANTS).index(variant.start) < list(VARIANTS).index(name)
        if variant.steps in (2, 1):
            assert VARIANTS[variant.start].steps == 2 * variant.steps


def test_noise_at_a_level_is_where_a_run_starts():
    for variant in ("flow", "drawing"):
        objective = VARIANTS[variant].objective
        sigma, noise = objective.sigmas(4)[0], torch.randn(1, 4, 2, 2)
        started = objective.start(noise, sigma)
        found = objective.at(torch.zeros(1, 4, 2, 2), noise, sigma)
        torch.testing.assert_close(started, found, rtol=5e-3, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here")
@pytest.mark.parametrize("name", ["flow_mild", "flow_4", "drawing"])
def test_training_on_cuda_gives_weights_that_load(name, tmp_path):
    from elect_tino.embedded.training.editor import averaged_editor, editor_to_tune, shipped_editor
    from elect_tino.embedded.training.unet import task_of, tune_unet

    variant = VARIANTS[name]
    many = "drawing" if name.startswith("drawing") else "flow"
    start = editor_to_tune(tmp_path / many, variant.objective)
    task = task_of(variant, shipped_editor(variant.objective, many))
    run = tune_unet(
        tmp_path / name, tiny_data(tmp_path / "data"), start, Budget(steps=4), task=task
    )
    assert run.device.type == "cuda"
    assert torch.isfinite(torch.tensor(losses(tmp_path / name))).all()
    state = averaged_editor(run).unet.state_dict()
    assert all(value.device.type == "cpu" and value.isfinite().all() for value in state.values())


def test_a_stage_that_goes_on_takes_the_place_of_what_ships():
    from elect_tino.embedded.model.shipped import VARIANTS as SHIPPED

    files = {unet.file for unet in SHIPPED.values()}
    for stage, variant in AGAIN.items():
        assert f"{weights_of(stage)}.safetensors" in files
        assert f"{variant.start}.safetensors" in files
        assert variant.steps is None
    assert {f"{weights_of(stage)}.safetensors" for stage in VARIANTS} <= files
