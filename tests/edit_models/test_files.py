"""A folder's files: found in order, all of them, or refused by the input and the path."""

import json
import re
from pathlib import Path

import pytest

from elect_tino.edit_models.files import read_json, weight_files


def write(path: Path, content: object = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_broken_configuration_is_refused_by_its_path(tmp_path, content):
    with pytest.raises(ValueError, match=r"^name: .*config\.json"):
        read_json(write(tmp_path / "config.json", content), "name")


def test_safetensors_come_before_pickles_and_full_precision_before_half(tmp_path):
    names = ["safetensors", "fp16.safetensors", "bin", "fp16.bin"]
    for name in reversed(names):
        path = write(tmp_path / f"diffusion_pytorch_model.{name}")
        assert weight_files(tmp_path, "name") == [path]


def test_a_text_encoders_files_have_names_of_their_own(tmp_path):
    assert weight_files(write(tmp_path / "a/model.safetensors").parent, "name")
    assert weight_files(write(tmp_path / "b/pytorch_model.bin").parent, "name")


@pytest.mark.parametrize("ending", ["safetensors.index.json", "safetensors.index.fp16.json"])
def test_shards_are_all_found_or_the_missing_one_is_named(ending, tmp_path):
    index = {"weight_map": {"x": "m-1.safetensors", "y": "m-2.safetensors", "z": "m-1.safetensors"}}
    write(tmp_path / f"model.{ending}", index)
    write(tmp_path / "m-1.safetensors")
    with pytest.raises(ValueError, match=r"names 2 files, of which \['m-2.safetensors'\]"):
        weight_files(tmp_path, "name")
    write(tmp_path / "m-2.safetensors")
    assert [path.name for path in weight_files(tmp_path, "name")] == [
        "m-1.safetensors",
        "m-2.safetensors",
    ]


def test_an_index_cannot_lead_out_of_its_folder(tmp_path):
    outside = write(tmp_path / "secret.bin")
    part = tmp_path / "part"
    write(part / "model.bin.index.json", {"weight_map": {"x": f"../{outside.name}"}})
    with pytest.raises(ValueError, match="missing beside it"):
        weight_files(part, "name")


def test_a_part_without_weights_is_refused_by_its_path(tmp_path):
    with pytest.raises(ValueError, match="holds no weights; expected diffusion_pytorch_model"):
        weight_files(tmp_path, "name")


BROKEN_INDEX = {
    "no JSON": "[",
    "a list": [],
    "no weight_map": {},
    "an empty weight_map": {"weight_map": {}},
    "a list of files": {"weight_map": ["model-1.bin"]},
    "files by number": {"weight_map": {"x": 1}},
    "a file in a list": {"weight_map": {"x": ["model-1.bin"]}},
}


@pytest.mark.parametrize("content", BROKEN_INDEX.values(), ids=BROKEN_INDEX)
@pytest.mark.parametrize("given", ["name", "llava"])
def test_a_broken_index_is_refused_by_the_input_and_its_path(tmp_path, content, given):
    index = write(tmp_path / "pytorch_model.bin.index.json", content)
    with pytest.raises(ValueError, match=rf"^{given}: {re.escape(str(index))} .*Download it again"):
        weight_files(tmp_path, given)
