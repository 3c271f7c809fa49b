"""EditModelLoader: what it lists and loads, what it leaves alone, and what bad files get."""

from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from ..payload import Payload
from .conftest import PROMPT, Saved, models
from .spoiled_folders import SPOILED, edit_json

pytestmark = pytest.mark.comfy


def unet_state(saved: Saved) -> dict[str, torch.Tensor]:
    return dict(saved.modules.unet.state_dict())


def same_weights(a, b) -> None:
    ours, theirs = a.model.diffusion_model.state_dict(), b.model.diffusion_model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_files_and_folders_are_listed_and_nothing_else(instruct_pix2pix, magicbrush, file_of):
    from elect_tino.nodes.edit_models.loader import EditModelLoader

    name = file_of({"x": torch.zeros(1)})
    note = models("diffusion_models") / "put_models_here"
    note.touch()
    options = EditModelLoader.define_schema().inputs[0].options  # pyright: ignore
    assert {name, instruct_pix2pix.name, magicbrush.name} <= set(options)
    assert note.name not in options
    assert not [option for option in options if "unet" in option]


def test_nothing_is_added_to_comfyuis_tables(instruct_pix2pix, free_form, load):
    import comfy.latent_formats
    import comfy.model_base
    import comfy.model_detection
    import comfy.supported_models
    import comfy.utils
    import folder_paths

    modules = (
        comfy.latent_formats,
        comfy.model_base,
        comfy.model_detection,
        comfy.supported_models,
        comfy.utils,
    )

    def tables() -> list:
        kinds = [comfy.supported_models.SD15_instructpix2pix, comfy.supported_models.SD3]
        return [
            *(set(vars(module)) for module in modules),
            list(comfy.supported_models.models),
            *(repr((k.unet_config, k.unet_extra_config, k.latent_format)) for k in kinds),
            {kind: list(paths) for kind, (paths, _) in folder_paths.folder_names_and_paths.items()},
        ]

    before = tables()
    load(instruct_pix2pix.name)
    load(free_form.name)
    assert tables() == before


def test_a_bare_unet_file_is_the_folders_model(instruct_pix2pix, load, loaded, file_of):
    for ending in (".safetensors", ".bin", ".ckpt"):
        model, clip, vae = load(file_of(unet_state(instruct_pix2pix), ending))
        same_weights(model, loaded(instruct_pix2pix.name)[0])
        assert "Load CLIP" in clip.message
        assert "Load VAE" in vae.message


def test_stock_loaders_take_none_of_these_files(instruct_pix2pix, free_form):
    """Else this loader would not be needed."""
    from comfy.model_detection import model_config_from_diffusers_unet, model_config_from_unet

    from .sd3_keys import sd3_keys

    assert model_config_from_diffusers_unet(unet_state(instruct_pix2pix)) is None
    assert model_config_from_unet(sd3_keys(free_form.modules.transformer.state_dict()), "") is None


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("fp8_e4m3fn", torch.float8_e4m3fn), ("bf16", torch.bfloat16), ("fp16", torch.float16)],
)
@pytest.mark.parametrize("kind", ["instruct_pix2pix", "free_form"])
def test_weights_are_held_as_asked_and_run(name, dtype, kind, load, file_of, request):
    """The prediction stays that of float32 but for the rounding of the weights."""
    saved = request.getfixturevalue(kind)
    part = saved.modules.unet if kind == "instruct_pix2pix" else saved.modules.transformer
    file = file_of(dict(part.state_dict()))
    model, exact = (load(file, weight_dtype)[0].model for weight_dtype in (name, "fp32"))
    assert {p.dtype for p in model.diffusion_model.parameters()} == {dtype}
    generator = torch.Generator().manual_seed(0)
    wide = kind == "free_form"
    x = torch.randn(1, 16 if wide else 4, 8, 6, generator=generator)
    text = {"c_crossattn": torch.randn(1, 5, 4096 if wide else 32, generator=generator)}
    text |= {"y": torch.randn(1, 64, generator=generator)} if wide else {}
    arguments = (x, torch.tensor([0.7]), torch.randn(x.shape, generator=generator))
    with torch.inference_mode():
        outputs = [m.apply_model(*arguments, **text) for m in (model, exact)]
    change = (outputs[0] - outputs[1]).abs().mean() / (outputs[1] - x).abs().mean()
    assert 0 < change < 0.15


def test_the_text_encoder_of_either_transformers_version_is_the_same(
    instruct_pix2pix, copy_of, load, loaded, encode
):
    name, folder = copy_of(instruct_pix2pix)
    path = folder / "text_encoder/model.safetensors"
    state = load_file(path)
    prefixed = all(key.startswith("text_model.") for key in state)
    turned = {
        k.removeprefix("text_model.") if prefixed else f"text_model.{k}": v
        for k, v in state.items()
    }
    turned["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(turned, path)
    clips = load(name)[1], loaded(instruct_pix2pix.name)[1]
    ours, theirs = (encode(clip, PROMPT)[0][0] for clip in clips)
    assert torch.equal(ours, theirs)


def test_v_prediction_is_read_from_the_scheduler(instruct_pix2pix, copy_of, load):
    import comfy.model_base

    name, folder = copy_of(instruct_pix2pix)
    edit_json(folder / "scheduler/scheduler_config.json", prediction_type="v_prediction")
    assert load(name)[0].model.model_type is comfy.model_base.ModelType.V_PREDICTION


@pytest.mark.parametrize("shift", [1.0, 3.0, 5.0])
def test_noise_levels_are_shifted_as_the_folders_scheduler_shifts_them(
    shift, free_form, copy_of, load
):
    diffusers: Any = pytest.importorskip("diffusers")

    name, folder = copy_of(free_form)
    edit_json(folder / "scheduler/scheduler_config.json", shift=shift)
    found = load(name)[0].get_model_object("model_sampling").sigmas
    expected = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    assert_close(found.flip(0), expected.sigmas)


def test_a_bare_file_is_shifted_as_sd3_and_no_folder_changes_that(
    free_form, copy_of, load, file_of
):
    import comfy.supported_models

    name, folder = copy_of(free_form)
    edit_json(folder / "scheduler/scheduler_config.json", shift=5.0)
    load(name)
    bare = load(file_of(dict(free_form.modules.transformer.state_dict())))[0]
    assert bare.get_model_object("model_sampling").shift == 3.0
    assert comfy.supported_models.SD3.sampling_settings == {"shift": 3.0}


def test_a_lora_in_diffusers_keys_changes_the_right_weights(instruct_pix2pix, load, file_of):
    import comfy.sd

    down, up = torch.randn(2, 64), torch.randn(64, 2)
    key = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q"
    lora = {f"{key}.lora_A.weight": down, f"{key}.lora_B.weight": up}
    model = load(file_of(unet_state(instruct_pix2pix)))[0]
    patched, _ = comfy.sd.load_lora_for_models(model, None, lora, 0.5, 0.0)
    patched.patch_model()
    weight = "diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight"
    delta = patched.model.state_dict()[weight] - patched.backup[weight].weight
    assert_close(delta, 0.5 * up @ down, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_folder_is_refused_by_its_path(case, copy_of, load, request):
    kind, where, spoil, message = SPOILED[case]
    name, folder = copy_of(request.getfixturevalue(kind))
    spoil(folder / where)
    with pytest.raises(ValueError, match=rf"^name: .*{folder.name}.*{message}"):
        load(name)


def test_a_pickle_that_runs_code_is_refused_and_not_run(magicbrush, copy_of, load, tmp_path):
    name, folder = copy_of(magicbrush)
    left = tmp_path / "left behind"
    path = folder / "unet/diffusion_pytorch_model.bin"
    path.unlink()
    torch.save({**unet_state(magicbrush), "x": Payload(left)}, path)
    with pytest.raises(ValueError, match=r"diffusion_pytorch_model.bin cannot be read"):
        load(name)
    assert not left.exists()


def test_bad_files_are_refused_by_their_names(file_of, load):
    lora = {"lora_unet_mid.lora_up.weight": torch.zeros(2, 2)}
    stock = {"input_blocks.0.0.weight": torch.zeros(4, 8, 3, 3)}
    for state, message in [(lora, "another architecture"), (stock, "Use Load Checkpoint")]:
        name = file_of(state)
        with pytest.raises(ValueError, match=rf"^name: {name} .*{message}"):
            load(name)
    name = file_of([torch.zeros(1)], ".bin")
    with pytest.raises(ValueError, match=rf"^name: .*{name} cannot be read"):
        load(name)
    with pytest.raises(ValueError, match=r"^name: gone/ is neither in models/diffusion_models"):
        load("gone/")
