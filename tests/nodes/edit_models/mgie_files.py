"""MGIE in small, with random weights, in the files that its authors' are: what the nodes read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from torch import Tensor, nn
from torch.nn import LayerNorm, Linear

HIDDEN, WIDTH, QUERIES, FEATURES, NUM_IMAGES = 32, 16, 7, 12, 8
SEEN, SIDE, PATCH = 24, 28, 7
IMAGES = [f"[IMG{index}]" for index in range(NUM_IMAGES)]
PICTURE_TOKENS = ["<im_patch>", "<im_start>", "<im_end>"]

LLAVA: dict[str, Any] = {
    "architectures": ["LlavaLlamaForCausalLM"],
    "model_type": "llava",
    "hidden_size": HIDDEN,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "hidden_act": "silu",
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "torch_dtype": "float16",
    "transformers_version": "4.29.0.dev0",
    "use_cache": False,
    "max_sequence_length": 2048,
    "freeze_mm_mlp_adapter": False,
    "tune_mm_mlp_adapter": False,
    "mm_hidden_size": SEEN,
    "mm_use_im_start_end": True,
    "mm_vision_select_layer": -2,
    "mm_vision_tower": "openai/clip-vit-large-patch14",
}
VISION: dict[str, Any] = {
    "model_type": "clip_vision_model",
    "hidden_size": SEEN,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
    "hidden_act": "quick_gelu",
}


def tokenizer() -> Tokenizer:
    """LLaMA's kind of tokenizer: bytes to fall back on, letters, a few words; LLaVA's tokens."""
    letters = [chr(code) for code in range(33, 127)] + ["\u2581"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    merges = [("\u2581", "a"), ("t", "h"), ("th", "e"), ("\u2581", "the"), ("i", "m")]
    tokens += ["".join(pair) for pair in merges]
    model = models.BPE(
        {token: index for index, token in enumerate(tokens)},
        merges,
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    made = Tokenizer(model)
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    made.add_special_tokens(["<unk>", "<s>", "</s>", *PICTURE_TOKENS])
    return made


class Head(nn.Module):
    """The edit head's weights under their published names."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.llm2hid = Linear(HIDDEN, WIDTH)
        self.query = nn.Parameter(torch.empty(1, QUERIES, WIDTH))
        options = {"dropout": 0.0, "batch_first": True, "norm_first": True}
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 24, **options)
        encoder = nn.TransformerEncoder(layer, 2, LayerNorm(WIDTH), enable_nested_tensor=False)
        self.mapper = nn.Transformer(WIDTH, 4, 2, 2, 24, **options, custom_encoder=encoder)
        self.hid2feat = Linear(WIDTH, features)


def random_state(module: nn.Module, seed: int) -> dict[str, Tensor]:
    """The state dict of a module with random weights, in half precision as published."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in module.state_dict().items():
        noise = torch.randn(value.shape, generator=generator)
        scale = value.shape[-1] ** -0.5 if value.ndim > 1 else 0.1
        ones = key.endswith("weight") and value.ndim == 1
        state[key] = (noise * scale + ones).half()
    return state


@dataclass
class Files:
    """The tensors of each file, to be changed before they are written."""

    llava: dict[str, Tensor]
    vision: dict[str, Tensor]
    mllm: dict[str, Tensor]

    def weight(self, key: str) -> Tensor:
        """A weight as it is after MGIE's are laid over LLaVA's; float32."""
        return {**self.llava, **self.mllm}[key].float()

    def write(self, root: Path) -> None:
        """LLaVA as two .bin shards, CLIP as safetensors, and mllm.pt, below models/mgie."""
        llava, vision = root / "llava", root / "clip"
        for folder in (llava, vision):
            folder.mkdir(parents=True, exist_ok=True)
        names = {
            key: f"pytorch_model-{index % 2 + 1:05}-of-00002.bin"
            for index, key in enumerate(self.llava)
        }
        for name in set(names.values()):
            torch.save({k: v for k, v in self.llava.items() if names[k] == name}, llava / name)
        write_json(llava / "pytorch_model.bin.index.json", {"weight_map": names})
        write_json(llava / "config.json", LLAVA)
        write_json(llava / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer"})
        tokenizer().save(str(llava / "tokenizer.json"))
        write_json(vision / "config.json", VISION)
        save_file(self.vision, vision / "model.safetensors")
        torch.save(self.mllm, root / "mllm.pt")


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def vocabulary() -> int:
    """Tokens of the language model: the tokenizer's and the [IMG] tokens."""
    return tokenizer().get_vocab_size() + NUM_IMAGES


def random_files(seed: int = 0, features: int = FEATURES) -> Files:
    """LLaVA as it is before MGIE, its CLIP, and what MGIE trained for a UNet of some width."""
    from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

    sizes: dict[str, Any] = LLAVA | {"vocab_size": vocabulary()}
    llama = random_state(LlamaForCausalLM(LlamaConfig(**sizes)), seed)
    clip = random_state(CLIPVisionModel(CLIPVisionConfig(**VISION)), seed + 1)
    projector = random_state(Linear(SEEN, HIDDEN), seed + 2)
    head = random_state(Head(features), seed + 3)
    words = ("model.embed_tokens.weight", "lm_head.weight")
    llama["lm_head.weight"][2] = 0  # so that answers do not end by chance
    mllm = {key: llama[key] for key in words}
    emb = llama[words[0]][-NUM_IMAGES:][None].clone()
    projected = {f"model.mm_projector.{key}": value for key, value in projector.items()}
    return Files(
        llava={key: value[:-NUM_IMAGES] if key in words else value for key, value in llama.items()}
        | {key: value * 0 for key, value in projected.items()}
        | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)},
        vision={
            f"vision_model.{k.removeprefix('vision_model.')}": v
            for k, v in clip.items()
            if "position_ids" not in k
        },
        mllm=mllm | projected | {f"edit_head.{k}": v for k, v in head.items()} | {"emb": emb},
    )
