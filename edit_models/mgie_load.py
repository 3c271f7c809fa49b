"""MGIE from its files: LLaVA's folder, its CLIP's, and what MGIE trained over them (mllm.pt)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Linear

from ..tensor_files import read_tensors
from .mgie import Mgie
from .mgie_files import read_config, read_folder, split
from .mgie_head import edit_head
from .mgie_llava import LanguageModel, PatchFeatures
from .mgie_prompt import IMAGES, load_tokenizer

LANGUAGE_TYPES = ("llava", "llava_llama", "llama")
VISION_TYPES = ("clip", "clip_vision_model")
"""What config.json calls them (model_type)."""

_COMPUTED = "rotary_emb.inv_freq"
"""A table that older releases of transformers wrote among the weights."""


def load_mgie(llava: Path, vision: Path, mllm: Path, dtype: torch.dtype) -> Mgie:
    """LLaVA's folder and CLIP's, with MGIE's own weights over them; on the CPU, nothing fetched.

    dtype: of LLaMA's weights; CLIP, the projector and the edit head are small and stay float32
    Raises ValueError naming the input, the file and what was expected.
    """
    config = read_config(llava, LANGUAGE_TYPES, "llava")
    tokenizer = load_tokenizer(llava)
    own, trained = split(read_tensors(mllm, "mllm"), "edit_head.")
    head = edit_head(own, trained.pop("emb", None), mllm.name)
    state = {**read_folder(llava, "llava"), **trained}
    projected, state = split(state, "model.mm_projector.")
    state = {key: value for key, value in state.items() if not key.endswith(_COMPUTED)}
    width = int(config.get("hidden_size", 4096))
    if head.emb.shape[1:] != (len(IMAGES), width):
        raise ValueError(
            f"mllm: {mllm.name} has 'emb' of {tuple(head.emb.shape)}, expected "
            f"(1, {len(IMAGES)}, {width}) as {llava.name} is {width} wide. The two must belong "
            "together: MGIE's 7B goes with LLaVA-Lightning-7B-v1."
        )
    _check_vocabulary(trained, len(tokenizer), mllm.name)
    tower = _tower(vision)
    layer = int(config.get("mm_vision_select_layer", -2))
    projector = _projector(projected, tower.config.hidden_size, width, llava.name, vision.name)
    language = LanguageModel(_llama(config, state, len(tokenizer), dtype, llava.name))
    return Mgie(tokenizer, language, PatchFeatures(tower, projector, layer), head)


def _check_vocabulary(trained: Mapping[str, Tensor], size: int, name: str) -> None:
    """MGIE's own word embeddings, with rows for [IMG0] .. [IMG7]: LLaVA has none for those."""
    for key in ("model.embed_tokens.weight", "lm_head.weight"):
        if key not in trained:
            raise ValueError(f"mllm: {name} lacks {key}. Choose MGIE's mllm.pt.")
        if len(trained[key]) != size:
            raise ValueError(
                f"mllm: {name} knows {len(trained[key])} tokens ({key}), the tokenizer of llava "
                f"{size} with {IMAGES[0]} .. {IMAGES[-1]}. MGIE's 7B goes with "
                "LLaVA-Lightning-7B-v1."
            )


def _llama(
    config: dict[str, Any], state: dict[str, Tensor], vocabulary: int, dtype: torch.dtype, name: str
) -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {key: value for key, value in config.items() if key != "model_type"}
    llama = LlamaConfig.from_dict({**sizes, "vocab_size": vocabulary})
    return _filled(LlamaForCausalLM, llama, state, dtype, f"llava: {name}")


def _tower(folder: Path) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    config = read_config(folder, VISION_TYPES, "vision_tower")
    sizes = config.get("vision_config", config)
    state = read_folder(folder, "vision_tower")
    ours = {key: value for key, value in state.items() if not _of_the_words(key)}
    vision = CLIPVisionConfig.from_dict(sizes)
    return _filled(CLIPVisionModel, vision, ours, torch.float32, f"vision_tower: {folder.name}")


def _of_the_words(key: str) -> bool:
    """Whether a weight of CLIP is of its text half, or of what the halves are compared by."""
    return key.startswith("text_model.") or key.split(".")[0].endswith(("projection", "scale"))


def _filled(
    kind: Any, config: Any, state: dict[str, Tensor], dtype: torch.dtype, name: str
) -> nn.Module:
    """A model of transformers with these weights, every one of which must be there and fit."""
    model, found = kind.from_pretrained(
        None, config=config, state_dict=state, torch_dtype=dtype,
        ignore_mismatched_sizes=True, output_loading_info=True,
    )  # fmt: skip
    # Names, or names with both shapes: as the release of transformers has it.
    wrong = sorted({k if isinstance(k, str) else k[0] for k in found["mismatched_keys"]})
    missing = sorted(map(str, set(found["missing_keys"]) - set(wrong)))
    if missing or wrong:
        raise ValueError(
            f"{name} does not hold what its config.json says: {len(missing)} weights are missing "
            f"{missing[:3]}, {len(wrong)} have another shape {wrong[:3]}. Download it again."
        )
    return model.eval().requires_grad_(False)


def _projector(state: dict[str, Tensor], seen: int, width: int, llava: str, vision: str) -> Linear:
    weight, bias = state.get("weight"), state.get("bias")
    if weight is None or bias is None:
        raise ValueError(f"llava: {llava} and mllm have no model.mm_projector (weight and bias).")
    if weight.shape != (width, seen):
        raise ValueError(
            f"vision_tower: {vision} is {seen} wide, {llava} looks through one of "
            f"{weight.shape[-1]} (mm_projector). MGIE wants openai/clip-vit-large-patch14."
        )
    projector = Linear(seen, width)
    projector.load_state_dict({"weight": weight.float(), "bias": bias.float()})
    return projector.eval().requires_grad_(False)
