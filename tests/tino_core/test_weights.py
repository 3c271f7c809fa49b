"""Files of latent models: what is stored, and what fits no model."""

import os

import pytest
import torch
from torch.nn import Linear

from elect_tino.tino_core.text_tower import PREFIX, TextTower
from elect_tino.tino_core.weights import load_into, read_weights, save_weights


def test_numbers_are_stored_as_asked_and_counts_as_they_are(tmp_path):
    state = {"weight": torch.ones(2), "seen": torch.tensor([3])}
    save_weights(tmp_path / "a.safetensors", state, "sd15", {}, torch.float16)
    found = read_weights(tmp_path / "a.safetensors")
    kinds = {name: value.dtype for name, value in found.state_dict.items()}
    assert kinds == {"weight": torch.float16, "seen": torch.int64}
    if os.name == "posix":
        assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("rows", [1, 3])
def test_weights_of_another_shape_are_named(rows):
    state = {"weight": torch.ones(rows, 3), "bias": torch.ones(2)}
    with pytest.raises(ValueError, match=rf"1 of .* shape \['weight is \({rows}, 3\), .*\(2, 3\)"):
        load_into(Linear(3, 2), state, "a.safetensors")


def test_no_more_than_three_names_are_told():
    state = {name: torch.ones(1) for name in "abcd"}
    with pytest.raises(ValueError, match=r"4 unknown \['a', 'b', 'c'\]"):
        load_into(Linear(3, 2), state, "a.safetensors")


def test_a_text_towers_weights_stand_apart_in_the_file():
    tower = TextTower(
        {
            **{"vocab_size": 20, "hidden_size": 8, "intermediate_size": 16, "projection_dim": 6},
            **{"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 7},
            **{"hidden_act": "quick_gelu", "eos_token_id": 2},
        }
    )
    own = tower.tower.state_dict()
    assert {name: value.shape for name, value in tower.weights().items()} == {
        PREFIX + name: value.shape for name, value in own.items()
    }
