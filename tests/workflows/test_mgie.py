"""MGIE through a real server: an edit by its embeddings, kept in a file, and refused by name."""

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from elect_tino.embedded.model.unet import CONTEXT_DIM
from elect_tino.harness.server.client import ExecutionFailed, PromptRejected
from elect_tino.harness.workflows.summary import saved_images

from ..nodes.edit_models.mgie_files import random_files
from .refusals import not_in_list

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

LOADER = {
    "llava": "embedded/llava",
    "vision_tower": "embedded/clip",
    "mllm": "embedded/mllm.pt",
}


@pytest.fixture(scope="module", autouse=True)
def _files(comfy_server: "ComfyServer"):
    """A small MGIE for the embedded UNet, in the server's models folder."""
    random_files(features=CONTEXT_DIM).write(comfy_server.base / "models" / "mgie" / "embedded")


@pytest.fixture
def mgie(demo: dict) -> dict:
    """The embedded demo with MGIE in place of its text encoder."""
    instruction = demo["instruction"]["inputs"]["text"]
    demo["loader"] = {"class_type": "MGIELoader", "inputs": dict(LOADER)}
    demo["mgie"] = {
        "class_type": "MGIEConditioning",
        "inputs": {
            "mgie": ["loader", 0],
            "instruction": instruction,
            "image": ["picture", 0],
            "save_as": "demo",
        },
    }
    demo["said"] = {"class_type": "PreviewAny", "inputs": {"source": ["mgie", 2]}}
    for node in demo.values():
        for name, wire in node["inputs"].items():
            if wire in (["instruction", 0], ["empty", 0]):
                node["inputs"][name] = ["mgie", 0 if wire[0] == "instruction" else 1]
    del demo["instruction"], demo["empty"]
    return demo


def edited(server: "ComfyServer", prompt: dict, entry: dict) -> bytes:
    with Image.open(
        BytesIO(server.view(saved_images(prompt, entry)["elect_demo/edited"]))
    ) as image:
        return image.convert("RGB").tobytes()


def test_embeddings_can_be_made_and_kept_with_nothing_behind_them(
    server: "ComfyServer", mgie: dict
):
    alone = {name: mgie[name] for name in ("loader", "mgie", "picture")}
    alone["mgie"]["inputs"]["save_as"] = "alone"
    entry = server.run(alone)
    assert (server.base / "models" / "mgie_embeddings" / "alone.safetensors").is_file()
    (shown,) = [out["text"] for out in entry["outputs"].values() if "text" in out]
    assert isinstance(shown[0], str)


def test_saved_embeddings_give_the_same_election_without_the_model(
    server: "ComfyServer", mgie: dict
):
    first = server.run(mgie)
    (said,) = first["outputs"]["said"]["text"]
    assert "[IMG" not in said
    expected = edited(server, mgie, first)
    assert (server.base / "models" / "mgie_embeddings" / "demo.safetensors").is_file()
    mgie["mgie"] = {"class_type": "MGIEEmbeddings", "inputs": {"name": "demo.safetensors"}}
    del mgie["loader"]
    again = server.run(mgie)
    assert edited(server, mgie, again) == expected
    assert again["outputs"]["said"]["text"] == [said]


CASES: dict[str, tuple[str, dict, str]] = {
    "no such folder": (
        "loader",
        {"llava": "none"},
        not_in_list("llava", "llava: there is no folder 'none'"),
    ),
    "outside its folders": (
        "loader",
        {"llava": "../../input"},
        not_in_list("llava", "llava: there is no folder"),
    ),
    "the folders swapped": (
        "loader",
        {"llava": "embedded/clip"},
        "llava: clip holds a model of type 'clip",
    ),
    "no such file": (
        "loader",
        {"mllm": "none.pt"},
        not_in_list("mllm", "mllm: none.pt is not in models/mgie"),
    ),
    "mllm of another kind": (
        "loader",
        {"mllm": "embedded/clip/model.safetensors"},
        not_in_list("mllm", "mllm: model.safetensors has no 'emb'"),
    ),
    "nothing said": ("mgie", {"instruction": "  "}, "instruction: it is empty"),
    "out of the folder": ("mgie", {"save_as": "../demo"}, "save_as: expected a plain file name"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_error_names_the_input(case: str, server: "ComfyServer", mgie: dict):
    name, inputs, message = CASES[case]
    mgie[name]["inputs"] |= inputs
    with pytest.raises((PromptRejected, ExecutionFailed), match=message):
        server.run(mgie)


def test_a_file_of_another_kind_is_refused(server: "ComfyServer", mgie: dict):
    folder = server.base / "models" / "mgie_embeddings"
    folder.mkdir(exist_ok=True)
    (folder / "words.safetensors").write_bytes(b"not one")
    mgie["mgie"] = {"class_type": "MGIEEmbeddings", "inputs": {"name": "words.safetensors"}}
    with pytest.raises(ExecutionFailed, match="name: words.safetensors is no whole safetensors"):
        server.run(mgie)
