"""Training survives a kill: the run that was resumed is the run that was not."""

import json

import pytest
import torch
from torch.nn import Linear

from elect_tino.embedded.training.run import Budget, Run, one_cycle

pytestmark = pytest.mark.comfy

STEPS = 6


def tiny_data(folder):
    """Random cached edits of two scenes."""
    generator = torch.Generator().manual_seed(0)
    folder.mkdir(parents=True)
    data = {
        "latents": torch.randn(2, 4, 4, 16, 16, generator=generator).half(),
        "masks": torch.rand(2, 3, 16, 16, generator=generator).half(),
        "instructions": torch.randint(4, 40, (2, 3, 2, 3, 24), generator=generator),
        "captions": torch.randint(4, 40, (2, 4, 24), generator=generator),
    }
    torch.save(data, folder / "edits_000000.pt")
    return folder


def losses(folder):
    return [json.loads(line)["loss"] for line in (folder / "loss.jsonl").read_text().splitlines()]


def train(folder, data, stop_at=None):
    from elect_tino.embedded.training.unet import train_unet

    return train_unet(folder, data, Budget(steps=STEPS), batch=2, every=2, stop_at=stop_at)


def test_resumed_run_has_the_same_losses_as_an_uninterrupted_one(tmp_path):
    data = tiny_data(tmp_path / "data")
    train(tmp_path / "whole", data)
    train(tmp_path / "killed", data, stop_at=4)
    train(tmp_path / "killed", data)
    assert len(losses(tmp_path / "whole")) == STEPS
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_kill_while_saving_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    module = torch.nn.ModuleDict({"m": Linear(2, 2)})
    run = Run(tmp_path, module, lr=1e-3, budget=Budget(steps=4))
    run.step = 2
    run.save()

    def dies(state, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        run.save()
    monkeypatch.undo()
    assert Run(tmp_path, module, lr=1e-3, budget=Budget(steps=4)).step == 2


def test_finished_run_does_nothing_more(tmp_path):
    data = tiny_data(tmp_path / "data")
    train(tmp_path / "run", data)
    assert train(tmp_path / "run", data).step == STEPS
    assert len(losses(tmp_path / "run")) == STEPS


def test_learning_rate_warms_up_holds_and_decays():
    assert one_cycle(0.0) < 0.1
    assert one_cycle(0.2) == 1.0
    assert one_cycle(1.0) == pytest.approx(0.01)


def test_budget_ends_by_steps_or_minutes():
    assert Budget(steps=10).progress(5, 1e6) == 0.5
    assert Budget(minutes=1).progress(5, 30) == 0.5
    assert Budget(steps=10, minutes=1).progress(1, 90) == 1.0


def test_schedule_is_comfyuis():
    import comfy.model_sampling

    from elect_tino.embedded.model.objectives import alphas_cumprod

    sigmas = ((1 - alphas_cumprod()) / alphas_cumprod()).sqrt()
    theirs = comfy.model_sampling.ModelSamplingDiscrete().sigmas
    torch.testing.assert_close(sigmas, theirs.float(), rtol=1e-4, atol=1e-5)


def test_dropped_source_is_not_grounded(tmp_path):
    from elect_tino.embedded.data.batches import draw_batch
    from elect_tino.embedded.data.dataset import load_dataset

    data = load_dataset(tiny_data(tmp_path / "data"))
    batch = draw_batch(data, 400, torch.Generator().manual_seed(1))
    bare = batch.source.flatten(1).abs().amax(1) == 0
    assert 0.15 < bare.float().mean() < 0.35
    assert (batch.grounded[bare] == 0).all()
    assert (batch.mask[bare] == 0).all()
    assert 0.6 < batch.grounded.mean() < 0.85


def test_flow_goes_on_from_the_shipped_weights_and_leaves_the_text_encoder(tmp_path):
    from elect_tino.embedded.model.objectives import RECTIFIED_FLOW
    from elect_tino.embedded.model.shipped import shipped
    from elect_tino.embedded.training.editor import averaged_editor, editor_to_tune
    from elect_tino.embedded.training.unet import tune_unet

    editor = editor_to_tune(tmp_path / "unet", RECTIFIED_FLOW)
    run = tune_unet(
        tmp_path / "flow", tiny_data(tmp_path / "data"), editor, Budget(steps=2), batch=2
    )
    tuned = averaged_editor(run)
    assert tuned.objective is RECTIFIED_FLOW
    for key, value in shipped("text_encoder.safetensors").items():
        assert torch.equal(tuned.text.state_dict()[key], value)
    before, after = shipped("unet.safetensors"), tuned.unet.state_dict()
    assert any(not torch.equal(after[key], value) for key, value in before.items())


def test_flow_loss_falls_on_one_batch(tmp_path):
    from elect_tino.embedded.model.objectives import RECTIFIED_FLOW
    from elect_tino.embedded.training.editor import shipped_editor
    from elect_tino.embedded.training.unet import tune_unet

    torch.manual_seed(0)
    editor = shipped_editor(RECTIFIED_FLOW)
    tune_unet(tmp_path / "run", tiny_data(tmp_path / "data"), editor, Budget(steps=30), batch=8)
    found = losses(tmp_path / "run")
    assert sum(found[-5:]) < 0.9 * sum(found[:5])


def test_tuning_starts_from_the_training_folder_where_it_has_weights(tmp_path):
    from elect_tino.embedded.training.editor import averaged_editor, editor_to_tune

    trained = averaged_editor(train(tmp_path / "unet", tiny_data(tmp_path / "data"), stop_at=2))
    found = editor_to_tune(tmp_path / "unet").unet.state_dict()
    for key, value in trained.unet.state_dict().items():
        assert torch.equal(found[key], value)


def test_a_tuned_export_says_what_it_predicts_and_loads(tmp_path):
    import comfy.model_base

    from elect_tino.embedded.model.comfyui import load_unet
    from elect_tino.embedded.model.objectives import RECTIFIED_FLOW
    from elect_tino.embedded.training.editor import shipped_editor
    from elect_tino.embedded.training.export import export_tuned
    from elect_tino.embedded.training.variants import VARIANTS

    editor = shipped_editor(RECTIFIED_FLOW)
    export_tuned("flow", VARIANTS["flow"], editor, 7, [[0.0] * 3] * 5, tmp_path)
    model = load_unet(tmp_path / "flow.safetensors").model
    assert model.model_type == comfy.model_base.ModelType.FLOW
    torch.testing.assert_close(model.latent_format.std, editor.latent_std)


def test_mask_heads_are_not_exported(tmp_path):
    from elect_tino.embedded.model.comfyui import load_unet, read_weights
    from elect_tino.embedded.training.editor import Editor
    from elect_tino.embedded.training.export import export_editor

    export_editor(Editor(), 0, [[0.0] * 3] * 5, tmp_path)
    assert not any("head" in key for key in read_weights(tmp_path / "unet.safetensors"))
    assert load_unet(tmp_path / "unet.safetensors") is not None


def test_a_checkpoint_of_another_device_goes_on_with_its_weights(tmp_path):
    module = torch.nn.ModuleDict({"m": Linear(2, 2)})
    run = Run(tmp_path, module, lr=1e-3, budget=Budget(steps=4))
    run.step = 2
    run.save()
    state = torch.load(run.path, weights_only=True)
    torch.save(
        {**state, "device": "cuda", "generator": torch.zeros(16, dtype=torch.uint8)}, run.path
    )
    again = Run(tmp_path, module, lr=1e-3, budget=Budget(steps=4), seed=5)
    assert again.step == 2
    fresh = torch.Generator().manual_seed(5)
    assert torch.equal(again.generator.get_state(), fresh.get_state())
