"""The workflow of every editing model runs in the real server, on small random models.

The graph is the shipped one. Where it loads gigabytes, `small_models` stands in; MagicBrush,
UltraEdit and MGIE are real small files read by the pack's own loaders.
"""

import math
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from elect_tino.edit_models.families import FAMILIES
from elect_tino.embedded.model.text import PROJECTION_DIM, WIDTH
from elect_tino.harness.author_workflows import path_of
from elect_tino.harness.server.comfy_server import PACK_ROOT
from elect_tino.harness.workflows.recipes.edit_models import EDIT_RECIPES
from elect_tino.harness.workflows.stand_in import MEGAPIXELS
from elect_tino.harness.workflows.summary import nodes_of, shown_images
from elect_tino.harness.workflows.workflow import is_link, load_workflow, to_prompt
from elect_tino.tests.nodes.newer_models import skip_where_lacking
from elect_tino.tests.nodes.reference_families import FAMILIES as SMALL

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

NAMES = [make.__name__ for make in EDIT_RECIPES]
RECIPES = {recipe.name: recipe for recipe in (make() for make in EDIT_RECIPES)}
OWN_TEXTS = {"hidream_o1"}
"""Families whose texts only their own checkpoint encodes: see tests/nodes/test_hidream_o1.py."""
NUM_CANDIDATES, STEPS = 2, 5
SLOTS = {
    "UNETLoader": 0,
    "CLIPLoader": 1,
    "DualCLIPLoader": 1,
    "TripleCLIPLoader": 1,
    "QuadrupleCLIPLoader": 1,
    "VAELoader": 2,
    "CheckpointLoaderSimple": 0,
}
"""Slot of SmallEditModel that gives what a loader's first output gives."""
MGIE_FEATURES = 12
DIRECTORIES = {"checkpoints", "clip_vision", "diffusion_models", "mgie", "text_encoders", "vae"}


def pix2pix_unet(context: int) -> dict[str, torch.Tensor]:
    diffusers: Any = pytest.importorskip("diffusers")

    torch.manual_seed(0)
    return diffusers.UNet2DConditionModel(
        in_channels=8,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=context,
        attention_head_dim=8,
    ).state_dict()


def ultraedit() -> dict[str, torch.Tensor]:
    diffusers: Any = pytest.importorskip("diffusers")

    torch.manual_seed(0)
    return diffusers.SD3Transformer2DModel(
        sample_size=32,
        in_channels=48,
        out_channels=16,
        num_layers=2,
        attention_head_dim=64,
        num_attention_heads=2,
        caption_projection_dim=128,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=PROJECTION_DIM,
        pos_embed_max_size=32,
    ).state_dict()


def write_files(family: str, base: Path) -> None:
    """The files that the pack's own loaders read for a family, under their downloaded names."""
    folder = base / "models" / "diffusion_models"
    folder.mkdir(parents=True, exist_ok=True)
    if family == "magicbrush":
        torch.save(pix2pix_unet(WIDTH), folder / "magicbrush-jul7.bin")
    if family == "ultraedit":
        save_file(ultraedit(), folder / "ultraedit_w_mask.safetensors")
    if family == "mgie":
        from ..nodes.edit_models.mgie_files import random_files

        torch.save(pix2pix_unet(MGIE_FEATURES), folder / "mgie_unet.pt")
        random_files().write(base / "models" / "mgie")


def leave_out(prompt: dict, *kinds: str) -> None:
    """Take nodes of these kinds away, and the wires from them."""
    gone = [key for key, one in prompt.items() if one["class_type"] in kinds]
    for key in gone:
        del prompt[key]
    for one in prompt.values():
        wires = {name for name, v in one["inputs"].items() if is_link(v) and v[0] in gone}
        one["inputs"] = {name: v for name, v in one["inputs"].items() if name not in wires}


@pytest.fixture
def small(comfy_server: "ComfyServer", object_info: dict, picture: str):
    """The API prompt of a family's workflow with what can be run here in its loaders' place."""

    def load(family: str) -> dict:
        needed = {one["class_type"] for one in RECIPES[family].nodes.values()}
        if missing := sorted(needed - object_info.keys()):
            pytest.skip(f"this ComfyUI has no {', '.join(missing)}")
        if family in SMALL:
            skip_where_lacking(SMALL[family].settings)
        write_files(family, comfy_server.base)
        workflow = load_workflow(path_of(family))
        prompt = to_prompt(workflow, comfy_server.object_info())
        offset = {
            key: SLOTS[node["class_type"]]
            for key, node in prompt.items()
            if node["class_type"] in SLOTS
        }
        for node in prompt.values():
            for name, value in node["inputs"].items():
                if is_link(value) and value[0] in offset:
                    node["inputs"][name] = ["small", offset[value[0]] + value[1]]
        prompt = {key: node for key, node in prompt.items() if key not in offset}
        leave_out(prompt, "CLIPVisionLoader", "CLIPVisionEncode")
        prompt["small"] = {"class_type": "SmallEditModel", "inputs": {"family": family}}
        settings = {
            "LoadImage": {"image": picture},
            "EditSize": {"megapixels": MEGAPIXELS},
            "EditModelDefaults": {"steps": STEPS},
            "MultiSeedPartialSampler": {"num_candidates": NUM_CANDIDATES},
            "MGIELoader": {"llava": "llava", "vision_tower": "clip", "mllm": "mllm.pt"},
        }
        for kind, values in settings.items():
            for _, node in nodes_of(prompt, kind):
                node["inputs"] |= values
        return prompt

    return load


NOT_YET = {"qwen_image_21"}
"""Their nodes came after the newest ComfyUI that was tried: the page says how to wire them."""


def test_every_model_people_download_has_a_workflow():
    own = {"instruct_pix2pix", "embedded", "embedded_flow"}
    assert sorted(NAMES) == sorted(FAMILIES.keys() - own - NOT_YET)
    page = (PACK_ROOT / "docs" / "editing_models.md").read_text(encoding="utf-8")
    assert all(f"*{FAMILIES[name].conditioning}*" in page for name in NOT_YET)


@pytest.mark.server
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN_TEXTS])
def test_workflow_runs_and_elects(name: str, server: "ComfyServer", small):
    prompt = small(name)
    entry = server.run(prompt, timeout=300)
    (facts,) = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
    assert all(math.isfinite(score) for score in facts["scores"])
    electable = facts["order"][: facts["num_eligible"]]
    assert facts["elected"] == min(electable, key=facts["scores"].__getitem__)
    stop = max(1, round(FAMILIES[name].stop_of(STEPS) * STEPS))
    assert (facts["num_steps"], facts["stop_step"]) == (STEPS, stop)
    nulls = NUM_CANDIDATES if FAMILIES[name].cfg == 1 else 0  # one step's, at cfg 1
    assert facts["nfe_spent"] == NUM_CANDIDATES * stop + nulls
    pictures = shown_images(prompt, entry)
    assert len(pictures) == 2
    for file in pictures.values():
        with Image.open(BytesIO(server.view(file))) as image:
            assert image.size == (128, 128)


@pytest.mark.parametrize("name", NAMES)
def test_files_say_where_to_download_them(name: str):
    nodes = load_workflow(path_of(name))["nodes"]
    models = [model for node in nodes for model in node["properties"].get("models", [])]
    assert models or name == "instruct_diffusion"  # whose authors give no direct address
    for model in models:
        assert model["url"].startswith("https://huggingface.co/")
        assert "/resolve/main/" in model["url"]
        assert model["directory"] in DIRECTORIES
    values = [value for node in nodes for value in node.get("widgets_values") or ()]
    # A file is chosen by its name, one of a folder by the folder's.
    assert all({m["name"], m["name"].split("/")[0]} & set(map(str, values)) for m in models)
