"""EditModelLoader and UltraEditConditioning through a real server: the errors name the input."""

import json
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected

from ..nodes.edit_models.small_models import (
    UltraEditModules,
    pix2pix_pipeline,
    save_pix2pix,
    ultraedit_parts,
    ultraedit_transformer,
)
from .refusals import not_in_list

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


@pytest.fixture
def unet(server: "ComfyServer") -> Iterator[str]:
    """A small diffusers InstructPix2Pix UNet in ComfyUI's models folder."""
    diffusers = pytest.importorskip("diffusers")
    path = server.base / "models/diffusion_models/small-pix2pix.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = diffusers.UNet2DConditionModel(
        in_channels=8,
        layers_per_block=1,
        block_out_channels=(32, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
    )
    save_file(made.state_dict(), path)
    yield path.name
    path.unlink()


def put(server: "ComfyServer", where: str, content: object) -> Path:
    path = server.base / "models" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def elect_with(object_info: dict, name: str, conditioning: str) -> dict:
    """The whole graph from a diffusers folder to the elected picture, by ELECTSampler."""
    last = (["shown", 2], ["shown", 3])  # UltraEdit's own negative, and the latent
    negative, latent = last if conditioning == "UltraEditConditioning" else (["empty", 0], last[0])
    required = object_info["ELECTSampler"]["input"]["required"]
    values = {k: v[1]["default"] for k, v in required.items() if len(v) > 1 and "default" in v[1]}
    wires = {"guider": ["guider", 0], "sampler": ["sampler", 0], "sigmas": ["sigmas", 0]}
    own = {"latent_image": latent, "num_candidates": 2, "stop": 0.5, "window_end": 0.25}
    return {
        "model": node("EditModelLoader", name=name, weight_dtype="default"),
        "text": node("CLIPTextEncode", clip=["model", 1], text="make it red"),
        "empty": node("CLIPTextEncode", clip=["model", 1], text=""),
        "picture": node("EmptyImage", width=64, height=48, batch_size=1, color=0x4080C0),
        "shown": node(
            conditioning,
            positive=["text", 0],
            negative=["empty", 0],
            vae=["model", 2],
            pixels=["picture", 0],
        ),
        "guider": node(
            "DualCFGGuider",
            model=["model", 0],
            cond1=["shown", 0],
            cond2=["shown", 1],
            negative=negative,
            cfg_conds=7.0,
            cfg_cond2_negative=1.5,
            style="regular",
        ),
        "sampler": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node(
            "BasicScheduler", model=["model", 0], scheduler="normal", steps=4, denoise=1.0
        ),
        "elected": node("ELECTSampler", **{**values, **wires, **own}),
        "decoded": node("VAEDecode", vae=["model", 2], samples=["elected", 0]),
        "preview": node("PreviewImage", images=["decoded", 0]),
    }


def pix2pix(folder: Path) -> str:
    save_pix2pix(pix2pix_pipeline(heads=8), folder)
    return "InstructPixToPixConditioning"


def ultraedit(folder: Path) -> str:
    UltraEditModules(ultraedit_transformer(48), **ultraedit_parts()).save(folder, "10GB")
    return "UltraEditConditioning"


@pytest.mark.parametrize("save", [pix2pix, ultraedit])
def test_elect_runs_from_a_diffusers_folder_to_a_picture(save, server: "ComfyServer"):
    folder = server.base / "models/diffusers" / save.__name__
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conditioning = save(folder)
    try:
        entry = server.run(elect_with(server.object_info(), f"{folder.name}/", conditioning))
    finally:
        shutil.rmtree(folder)
    (picture,) = entry["outputs"]["preview"]["images"]
    assert Image.open(BytesIO(server.view(picture))).size == (64, 48)


def test_a_bare_file_gives_a_model_and_blocks_who_asks_for_more(server: "ComfyServer", unet: str):
    """With the loader to use in its place; what needs the MODEL alone still runs."""
    loader = node("EditModelLoader", name=unet, weight_dtype="default")
    save = node("ModelSave", model=["loader", 0], filename_prefix="edit")
    assert server.run({"loader": loader, "save": save})["status"]["status_str"] == "success"
    prompt = {
        "loader": loader,
        "empty": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "decoded": node("VAEDecode", vae=["loader", 2], samples=["empty", 0]),
        "preview": node("PreviewImage", images=["decoded", 0]),
    }
    seen = []
    entry = server.wait(server.submit(prompt), on_event=seen.append)
    assert entry["outputs"] == {}
    # ComfyUI tells a blocked node's message to the frontend alone.
    messages = [e.data["exception_message"] for e in seen if e.type == "execution_error"]
    assert messages == [
        "Execution Blocked: EditModelLoader: a bare file holds no VAE. Use Load VAE, or choose a "
        "diffusers folder."
    ]


def test_a_folder_is_listed_with_a_slash_and_its_faults_are_named(server: "ComfyServer"):
    folder = put(server, "diffusers/mine/model_index.json", {}).parent
    put(server, "diffusers/mine/unet/config.json", {})
    try:
        info = server.object_info()["EditModelLoader"]["input"]["required"]["name"]
        assert "mine/" in json.dumps(info)
        loader = node("EditModelLoader", name="mine/", weight_dtype="default")
        save = node("ModelSave", model=["loader", 0], filename_prefix="edit")
        with pytest.raises(ExecutionFailed, match=r"name: .*mine.unet holds no weights"):
            server.run({"loader": loader, "save": save})
    finally:
        shutil.rmtree(folder)


def test_a_file_of_another_architecture_is_named(server: "ComfyServer", unet: str):
    path = server.base / "models/diffusion_models" / "lora.safetensors"
    save_file({"lora_unet_mid.lora_up.weight": torch.zeros(2, 2)}, path)
    try:
        loader = node("EditModelLoader", name=path.name, weight_dtype="fp16")
        save = node("ModelSave", model=["loader", 0], filename_prefix="edit")
        with pytest.raises(ExecutionFailed, match=r"name: lora.safetensors is another architect"):
            server.run({"loader": loader, "save": save})
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"name": "../../secret.bin"},
            not_in_list("name", "name: ../../secret.bin is neither in"),
        ),
        ({"weight_dtype": "fp4"}, "fp4"),
    ],
)
def test_what_the_lists_do_not_hold_is_refused(given, message, server: "ComfyServer", unet: str):
    """ComfyUI itself does not hold a prompt to the lists of nodes written for its newer API."""
    loader = node("EditModelLoader", **{"name": unet, "weight_dtype": "fp32", **given})
    save = node("ModelSave", model=["loader", 0], filename_prefix="edit")
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run({"loader": loader, "save": save})


def test_ultraedit_names_the_vae_of_another_model(server: "ComfyServer"):
    prompt = {
        "model": node("EmbeddedModelLoader", variant="editing"),
        "text": node("CLIPTextEncode", clip=["model", 1], text="turn the circle red"),
        "picture": node("EmptyImage", width=64, height=64, batch_size=1, color=0),
        "shown": node(
            "UltraEditConditioning",
            positive=["text", 0],
            negative=["text", 0],
            vae=["model", 2],
            pixels=["picture", 0],
        ),
        "decoded": node("VAEDecode", vae=["model", 2], samples=["shown", 3]),
        "preview": node("PreviewImage", images=["decoded", 0]),
    }
    with pytest.raises(ExecutionFailed, match="vae: expected SD3's VAE of 16 latent channels"):
        server.run(prompt)
