"""Files of tensors are written whole or not at all."""

import pytest
import torch

from elect_tino.tensor_files import read_tensor_file, write_tensor_file, writing


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensor_file(path, {"x": torch.arange(3.0)}, {"says": "so"})
    read = read_tensor_file(path, "file", "Again.")
    assert torch.equal(read.tensors["x"], torch.arange(3.0))
    assert read.metadata["says"] == "so"
    assert [one.name for one in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_old_file_stays_whole_when_the_new_one_breaks_off(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    write_tensor_file(path, {"x": torch.zeros(2)}, {})
    before = path.read_bytes()

    def cut_off(tensors, place, metadata):
        place.write_bytes(b"half")
        assert path.read_bytes() == before
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "save_file", cut_off)
    with pytest.raises(KeyboardInterrupt):
        write_tensor_file(path, {"x": torch.ones(2)}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
