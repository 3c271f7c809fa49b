"""Files of tensors are written whole or not at all."""

import os

import pytest
import torch

from elect_tino.tensor_files import read_tensor_file, write_tensor_file, writing

from ..killed import half, is_killed, kill, needs_fork


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


@needs_fork
@pytest.mark.parametrize("scratch", [True, False], ids=["scratch", "beside"])
@pytest.mark.parametrize("stage", ["half written", "not yet moved"])
def test_a_kill_leaves_the_old_file_and_at_most_a_part(tmp_path, monkeypatch, stage, scratch):
    folder, other = tmp_path / "kept", tmp_path / "scratch"
    folder.mkdir()
    path = folder / "a.safetensors"
    write_tensor_file(path, {"x": torch.zeros(2)}, {})
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        if stage == "half written":
            patch.setattr(writing, "save_file", half)
        else:
            patch.setattr(os, "replace", kill)
        given = other if scratch else None
        assert is_killed(lambda: write_tensor_file(path, {"x": torch.ones(2)}, {}, given))
    assert path.read_bytes() == before
    left = {one for one in folder.iterdir() if one != path}
    assert {one.suffix for one in left} == (set() if scratch else {".part"})
    assert len(list(other.glob("*.part"))) == (1 if scratch else 0)
    write_tensor_file(path, {"x": torch.ones(2)}, {}, other)
    assert torch.equal(read_tensor_file(path, "file", "Again.").tensors["x"], torch.ones(2))


def test_another_disk_is_no_scratch(tmp_path, monkeypatch):
    """What cannot be moved in one step is written beside its place."""
    disks = iter(range(9))
    monkeypatch.setattr(writing, "_disk", lambda folder: next(disks))
    with writing.written_whole(tmp_path / "a.csv", tmp_path / "other") as part:
        assert part.parent == tmp_path
        part.write_text("x")
    assert (tmp_path / "a.csv").read_text() == "x"
