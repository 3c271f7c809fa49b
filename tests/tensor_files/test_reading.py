"""One reader of weights: what it reads is what was stored, and nothing in a file ever runs."""

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from elect_tino.tensor_files import read_tensor_file, read_tensors

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.float16)}


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return (os.mkdir, (self.folder,))


def same(state):
    return all(torch.equal(state[name], value) for name, value in STATE.items())


@pytest.mark.parametrize("name", ["x.pt", "x.ckpt", "x.bin"])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older format"])
@pytest.mark.parametrize("nested", [True, False], ids=["in state_dict", "bare"])
def test_plain_tensors_come_back_bit_for_bit(tmp_path, name, zipped, nested):
    stored = {"state_dict": STATE} if nested else STATE
    torch.save(stored, tmp_path / name, _use_new_zipfile_serialization=zipped)
    state = read_tensors(tmp_path / name)
    assert state.keys() == STATE.keys()
    assert same(state)


def test_safetensors_come_with_what_they_say_of_themselves(tmp_path):
    save_file(STATE, tmp_path / "x.safetensors", {"made": "here"})
    file = read_tensor_file(tmp_path / "x.safetensors")
    assert same(file.tensors)
    assert file.metadata == {"made": "here"}


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt", "x.ckpt", "x.bin"])
def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps({"a": Trap(tmp_path / "trapped")}))
    with pytest.raises(ValueError, match=f"input: {name} .*(never loaded|refused)"):
        read_tensors(tmp_path / name, "input")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_cut_short_names_itself(tmp_path, name, share):
    path = tmp_path / name
    if path.suffix == ".pt":
        torch.save(STATE, path)
    else:
        save_file(STATE, path)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(ValueError, match=f"^{name} .*cut short"):
        read_tensors(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"a": 1}, {"state_dict": {"a": [0.0]}}])
def test_what_is_no_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="x.pt is no state dict"):
        read_tensors(tmp_path / "x.pt")


def test_a_missing_file_is_named_with_its_folder(tmp_path):
    with pytest.raises(ValueError, match=f"clip: none.pt is not in {tmp_path.name}"):
        read_tensors(tmp_path / "none.pt", "clip")
