"""EditModelLoader: what it lists and loads, what it leaves alone, and what bad files get."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from .conftest import PROMPT, Saved, models

pytestmark = pytest.mark.comfy

Edit = Callable[[Path], object]


@pytest.fixture
def copy_of(tmp_path):
    """Makes a folder whose files are links to a saved one's, to be put in their place anew."""
    made = []

    def make(saved: Saved) -> tuple[str, Path]:
        name = f"copy-{len(made)}-of-{saved.folder.name}-{tmp_path.name}"
        folder = models("diffusers") / name
        made.append(folder)
        shutil.copytree(saved.folder, folder, copy_function=lambda a, b: Path(b).symlink_to(a))
        return f"{name}/", folder

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture
def file_of(tmp_path):
    """Puts tensors into a file of models/diffusion_models; gives its name."""
    made = []

    def make(state, ending: str = ".safetensors") -> str:
        path = models("diffusion_models") / f"{tmp_path.name}-{len(made)}{ending}"
        made.append(path)
        save_file(state, path) if ending == ".safetensors" else torch.save(state, path)
        return path.name

    yield make
    for path in made:
        path.unlink()


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


def replace(path: Path, content: bytes) -> None:
    """New content for a file, not for what it links to."""
    path.unlink()
    path.write_bytes(content)


def edit_json(path: Path, **changed: object) -> None:
    replace(path, json.dumps(json.loads(path.read_bytes()) | changed).encode())


def halve(path: Path) -> None:
    content = path.read_bytes()
    replace(path, content[: len(content) // 2])


def edit_weights(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        state = load_file(path)
        change(state)
        path.unlink()
        save_file(state, path)

    return edit


def only(**shapes: tuple[int, ...]) -> Callable[[dict], object]:
    """Nothing but these tensors; dots are written as two underscores."""

    def change(state: dict) -> None:
        state.clear()
        state.update({k.replace("__", "."): torch.zeros(v) for k, v in shapes.items()})

    return change


def drop(key: str) -> Callable[[dict], object]:
    return lambda state: state.pop(key)


def put(key: str, *shape: int) -> Callable[[dict], object]:
    return lambda state: state.update({key: torch.zeros(shape)})


UNET, TEXT = "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"
TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
SPOILED: dict[str, tuple[str, str, Edit, str]] = {
    "no unet config": ("instruct_pix2pix", "unet/config.json", Path.unlink, "config.json is miss"),
    "no weights": ("instruct_pix2pix", UNET, Path.unlink, "unet holds no weights"),
    "truncated": ("instruct_pix2pix", UNET, halve, "safetensors cannot be read"),
    "empty file": ("instruct_pix2pix", UNET, lambda p: replace(p, b""), "cannot be read"),
    "index of another": (
        "instruct_pix2pix",
        "model_index.json",
        lambda p: replace(p, b"["),
        "model_index.json is not JSON",
    ),
    "a key less": (
        "instruct_pix2pix",
        UNET,
        edit_weights(drop("conv_out.bias")),
        r"unet is not whole.* missing \['out.2.bias'\]",
    ),
    "a key more": (
        "instruct_pix2pix",
        UNET,
        edit_weights(put("time_embedding.cond_proj.weight", 4, 4)),
        r"holds \['time_embedding.cond_proj.weight'\]",
    ),
    "another shape": (
        "instruct_pix2pix",
        UNET,
        edit_weights(put("conv_out.bias", 7)),
        r"of another shape \['out.2.bias'\]",
    ),
    "4 channels": (
        "instruct_pix2pix",
        UNET,
        edit_weights(put("conv_in.weight", 32, 4, 3, 3)),
        "unet is a diffusers UNet with 4 input channels",
    ),
    "other heads": (
        "instruct_pix2pix",
        "unet/config.json",
        lambda p: edit_json(p, attention_head_dim=[5, 10]),
        "attention heads",
    ),
    "sample prediction": (
        "instruct_pix2pix",
        "scheduler/scheduler_config.json",
        lambda p: edit_json(p, prediction_type="sample"),
        "prediction_type 'sample'; expected one of",
    ),
    "a linear schedule": (
        "instruct_pix2pix",
        "scheduler/scheduler_config.json",
        lambda p: edit_json(p, beta_schedule="linear"),
        "scheduler_config.json says beta_schedule = 'linear'; ComfyUI's model has 'scaled_linear'",
    ),
    "text encoder of another width": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: edit_json(p, hidden_size=1024),
        "text_encoder are 1024 wide, but the model reads 32",
    ),
    "text encoder of another kind": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: replace(p, b'{"model_type": "t5", "d_model": 4096}'),
        "config.json says no hidden_size, so text_encoder is the text encoder of another model",
    ),
    "text encoder unlike its config": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: edit_json(p, intermediate_size=96),
        "does not fit its config.json",
    ),
    "text encoder of fewer layers": (
        "instruct_pix2pix",
        "text_encoder/config.json",
        lambda p: edit_json(p, num_hidden_layers=3),
        r"missing \['text_model.encoder.layers.2",
    ),
    "VAE truncated": ("instruct_pix2pix", VAE, halve, "vae/.* cannot be read"),
    "VAE a key less": (
        "instruct_pix2pix",
        VAE,
        edit_weights(drop("quant_conv.bias")),
        r"missing \['quant_conv.bias'\]",
    ),
    "VAE of another size": (
        "instruct_pix2pix",
        VAE,
        edit_weights(only(decoder__conv_in__weight=(64, 4, 3, 3))),
        "is not Stable Diffusion's VAE",
    ),
    "VAE of another latent": (
        "instruct_pix2pix",
        VAE,
        edit_weights(only(decoder__conv_in__weight=(512, 16, 3, 3))),
        "vae has 16 latent channels; the model takes the VAE of 4",
    ),
    "transformer a key less": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("proj_out.bias")),
        r"missing \['final_layer.linear.bias'\]",
    ),
    "transformer without a k weight": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.0.attn.to_k.weight")),
        r"missing \['transformer_blocks.0.attn.to_k.weight'\]",
    ),
    "transformer without a q weight": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.0.attn.to_q.weight")),
        r"missing \['transformer_blocks.0.attn.to_q.weight'\]",
    ),
    "transformer without a bias of the text's k": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.1.attn.add_k_proj.bias")),
        r"missing \['transformer_blocks.1.attn.add_k_proj.bias'\]",
    ),
    "transformer without the weight that tells it": (
        "free_form",
        TRANSFORMER,
        edit_weights(drop("transformer_blocks.0.attn.add_q_proj.weight")),
        "lacks transformer_blocks.0.attn.add_q_proj.weight",
    ),
    "transformer with one row for a k weight": (
        "free_form",
        TRANSFORMER,
        edit_weights(put("transformer_blocks.0.attn.to_k.weight", 1, 128)),
        r"of another shape \['transformer_blocks.0.attn.to_k.weight'\]",
    ),
    "transformer a key more": (
        "free_form",
        TRANSFORMER,
        edit_weights(put("image_proj.weight", 4, 4)),
        r"unexpected \['image_proj.weight'\]",
    ),
    "plain SD3": (
        "free_form",
        TRANSFORMER,
        edit_weights(put("pos_embed.proj.weight", 128, 16, 2, 2)),
        "16 input channels.* Copy its weights, as one file, to models/diffusion_models",
    ),
    "CLIP-G of another width": (
        "free_form",
        "text_encoder_2/config.json",
        lambda p: edit_json(p, projection_dim=1280),
        "are 1312 wide, but the model reads 64",
    ),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_folder_is_refused_by_its_path(case, copy_of, load, request):
    kind, where, spoil, message = SPOILED[case]
    name, folder = copy_of(request.getfixturevalue(kind))
    spoil(folder / where)
    with pytest.raises(ValueError, match=rf"^name: .*{folder.name}.*{message}"):
        load(name)


class Payload:
    """Pickles to a call that leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


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
