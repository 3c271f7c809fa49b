"""Ways in which MGIE's files can be broken, and what is said of each."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from .mgie_files import Files, write_json

Damage = Callable[[Files, Path], object]
"""Spoils the files that were written to a folder."""


def without(name: str) -> Damage:
    return lambda files, root: (root / name).unlink()


def cut(name: str) -> Damage:
    def damage(files: Files, root: Path) -> None:
        whole = (root / name).read_bytes()
        (root / name).write_bytes(whole[: len(whole) // 2])

    return damage


def code(name: str) -> Damage:
    return lambda files, root: (root / name).write_bytes(pickle.dumps(print))


def text(name: str, content: str) -> Damage:
    return lambda files, root: (root / name).write_text(content, encoding="utf-8")


def json_of(name: str, **values: object) -> Damage:
    def damage(files: Files, root: Path) -> None:
        config = json.loads((root / name).read_text(encoding="utf-8"))
        write_json(root / name, config | values)

    return damage


def trained(drop: str = "", **changed: tuple[int, ...]) -> Damage:
    """mllm.pt without some keys, or with one of another shape (dots as double underscores)."""

    def damage(files: Files, root: Path) -> None:
        state = {k: v for k, v in files.mllm.items() if not drop or not k.startswith(drop)}
        for key, shape in changed.items():
            state[key.replace("__", ".")] = torch.zeros(shape)
        torch.save(state, root / "mllm.pt")

    return damage


def shard_without(key: str) -> Damage:
    def damage(files: Files, root: Path) -> None:
        replace(files, llava={k: v for k, v in files.llava.items() if k != key}).write(root)

    return damage


INDEX = "llava/pytorch_model.bin.index.json"
SHARD = "llava/pytorch_model-00001-of-00002.bin"
SPOILT: dict[str, tuple[Damage, str]] = {
    "no config": (without("llava/config.json"), "llava: there is no folder 'llava' with a config"),
    "config no JSON": (cut("llava/config.json"), "llava: .*llava/config.json is not JSON"),
    "another architecture": (
        json_of("llava/config.json", model_type="t5"),
        "llava: llava holds a model of type 't5', expected 'llama' or 'llava'",
    ),
    "no weights": (without(INDEX), "llava: .*llava holds no weights; expected .*pytorch_model"),
    "a shard missing": (
        without(SHARD),
        r"llava: .*/llava/pytorch_model.bin.index.json names 2 files, of which "
        r"\['pytorch_model-00001-of-00002.bin'\] are missing",
    ),
    "an index that is no JSON": (text(INDEX, "["), "llava: .*bin.index.json is not JSON"),
    "an index of nothing": (text(INDEX, "{}"), "llava: .*bin.index.json has no weight_map"),
    "an index of a list": (json_of(INDEX, weight_map=["x"]), "bin.index.json has no weight_map"),
    "a shard cut short": (cut(SHARD), "llava: pytorch_model-00001-of-00002.bin could not be read"),
    "a shard with code": (code(SHARD), "00001-of-00002.bin .*run code, which is refused"),
    "a weight missing": (
        shard_without("model.layers.1.mlp.up_proj.weight"),
        "llava: llava does not hold .*1 weights are missing .*layers.1.mlp.up_proj",
    ),
    "a size that config.json does not say": (
        json_of("llava/config.json", intermediate_size=64),
        "llava: llava does not hold .* 6 have another shape",
    ),
    "no tokenizer": (without("llava/tokenizer.json"), "llava: llava has no tokenizer"),
    "no vision config": (without("clip/config.json"), "vision_tower: there is no folder 'clip'"),
    "vision of another kind": (
        json_of("clip/config.json", model_type="siglip_vision_model"),
        "vision_tower: clip holds a model of type 'siglip_vision_model', expected 'clip'",
    ),
    "vision cut short": (cut("clip/model.safetensors"), "vision_tower: model.safetensors is no"),
    "no mllm": (without("mllm.pt"), "mllm: mllm.pt is not in models/mgie"),
    "mllm cut short": (cut("mllm.pt"), "mllm: mllm.pt could not be read as plain tensors"),
    "mllm with code": (code("mllm.pt"), "mllm: mllm.pt .*run code, which is refused"),
    "mllm without emb": (trained("emb"), "mllm: mllm.pt has no 'emb'"),
    "mllm without a head": (trained("edit_head."), "mllm: mllm.pt lacks edit_head.llm2hid.weight"),
    "mllm without a layer": (
        trained("edit_head.mapper.decoder.layers.0.norm3"),
        "(?s)mllm: mllm.pt holds an edit head of another shape.*norm3.weight",
    ),
    "mllm without words": (trained("lm_head"), "mllm: mllm.pt lacks lm_head.weight"),
    "emb of another width": (
        trained(emb=(1, 8, 40)),
        r"mllm: mllm.pt has 'emb' of shape \(1, 8, 40\), expected \(1, 8, 32\)",
    ),
    "emb of fewer tokens": (
        trained(emb=(1, 4, 32)),
        r"mllm: mllm.pt has 'emb' of \(1, 4, 32\), expected \(1, 8, 32\)",
    ),
    "words of another tokenizer": (
        trained(model__embed_tokens__weight=(50, 32)),
        "mllm: mllm.pt knows 50 tokens .*the tokenizer of llava 370",
    ),
}
