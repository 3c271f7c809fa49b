"""MGIE in memory: loaded and freed by ComfyUI, in part, in other precisions, cancelled, watched."""

import pytest
import torch

from .test_mgie import END, INSTRUCTION, conditioning, files, image, mgie

__all__ = ["files", "image", "mgie"]

pytestmark = pytest.mark.comfy


def test_comfyui_loads_and_frees_its_parts(mgie, image):
    import comfy.model_management as management

    conditioning(mgie, image)
    patchers = list(mgie.patchers.values())
    loaded = [one.model for one in management.current_loaded_models]
    assert all(any(patcher is one for one in loaded) for patcher in patchers)
    assert all(patcher.loaded_size() == patcher.model_size() for patcher in patchers)
    management.free_memory(1e30, management.text_encoder_device())
    assert not management.current_loaded_models
    assert all(patcher.loaded_size() == 0 for patcher in patchers)


def test_a_model_loaded_in_part_imagines_the_same(mgie, image):
    expected = conditioning(mgie, image)[0][0][0]
    part = mgie.mgie.language
    cpu = torch.device("cpu")
    with torch.inference_mode():
        mgie.patchers[part].detach()
        mgie.patchers[part].partially_load(cpu, extra_memory=75_000)
        assert part.model_lowvram
        assert 0 < mgie.patchers[part].loaded_size() < mgie.patchers[part].model_size()
        tokens = mgie.mgie.tokens(INSTRUCTION)
        found = mgie.mgie.imagine(tokens, image[0], lambda *_: cpu, lambda: None)
        mgie.patchers[part].detach()
    assert torch.equal(found.positive, expected)


@pytest.mark.parametrize(
    "dtype", [torch.float8_e4m3fn, torch.float16, torch.bfloat16, torch.float32], ids=str
)
def test_comfyui_says_in_what_the_matrices_are_kept(files, tmp_path, monkeypatch, image, dtype):
    import comfy.model_management as management

    from elect_tino.nodes.host.edit_models.mgie import load as load_managed

    files.write(tmp_path)
    monkeypatch.setattr(management, "text_encoder_dtype", lambda device=None: dtype)
    with torch.inference_mode():
        made = load_managed(tmp_path / "llava", tmp_path / "clip", tmp_path / "mllm.pt")
    layer = made.mgie.language.llama.model.layers[0].mlp.up_proj
    assert layer.weight.dtype == dtype
    assert conditioning(made, image)[0][0][0].isfinite().all()


@pytest.mark.parametrize(
    ("stored", "compute"),
    [
        (torch.float16, torch.float16),
        (torch.bfloat16, torch.bfloat16),
        (torch.float8_e4m3fn, torch.float16),
    ],
    ids=str,
)
def test_states_in_half_precision_are_near_those_in_full(
    files, tmp_path, image, mgie, stored, compute
):
    """As on a GPU, where nothing is computed in float32 but vision and head."""
    from elect_tino.edit_models.mgie_load import load_mgie
    from elect_tino.nodes.host.edit_models.mgie import ManagedMgie

    files.write(tmp_path)
    paths = (tmp_path / "llava", tmp_path / "clip", tmp_path / "mllm.pt")
    with torch.inference_mode():
        half = ManagedMgie("half", load_mgie(*paths, torch.float16), stored, compute)
        tokens = mgie.mgie.tokens(INSTRUCTION)
        patch = mgie.mgie.tokenizer.convert_tokens_to_ids("<im_patch>")
        states = [
            one.mgie.language(tokens, patch, one.mgie.vision(image[0]), END, lambda: None).hidden
            for one in (half, mgie)
        ]
    assert states[0].dtype == compute
    given, full = (state[: len(tokens)].float() for state in states)
    near = torch.nn.functional.cosine_similarity(given, full, dim=-1).min()
    assert near > (0.95 if stored.itemsize == 1 else 0.999)


def test_cancel_stops_between_two_tokens(mgie, image, monkeypatch):
    import comfy.model_management as management
    import comfy.utils

    told = []
    update = comfy.utils.ProgressBar.update

    def cancel_at_five(bar, value):
        update(bar, value)
        told.append((bar.current, bar.total))
        management.interrupt_current_processing(len(told) == 5)

    monkeypatch.setattr(comfy.utils.ProgressBar, "update", cancel_at_five)
    with pytest.raises(management.InterruptProcessingException):
        conditioning(mgie, image)
    assert told == [(value, 97) for value in range(1, 6)]
    assert not management.processing_interrupted()
    monkeypatch.undo()
    assert conditioning(mgie, image)[0][0][0].isfinite().all()


def test_progress_goes_token_by_token_to_the_end(mgie, image, monkeypatch):
    import comfy.utils

    told, shown = [], []
    update = comfy.utils.ProgressBar.update

    def counted(bar, value):
        update(bar, value)
        told.append(bar.current)

    monkeypatch.setattr(comfy.utils.ProgressBar, "update", counted)
    monkeypatch.setattr(
        comfy.utils, "PROGRESS_BAR_HOOK", lambda value, *_, **__: shown.append(value)
    )
    conditioning(mgie, image)
    assert told == [*range(1, 98)]
    # Newer hosts show no more than ten a second; the first and the last are always shown.
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (1, 97)
