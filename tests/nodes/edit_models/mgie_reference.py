"""MGIE written out once more, slowly: the answer token by token with no cache, the head by hand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .mgie_files import IMAGES, LLAVA, PATCH, SIDE, VISION, Files, tokenizer, vocabulary

MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def prompt_ids(instruction: str) -> list[int]:
    reader = tokenizer()
    reader.add_special_tokens(IMAGES)
    patches = "<im_patch>" * (SIDE // PATCH) ** 2
    return reader.encode(
        "A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions. USER: what will "
        f"this image be like if '{instruction}'\n<im_start>{patches}<im_end> ASSISTANT:"
    ).ids


def patch_features(files: Files, image: Tensor) -> Tensor:
    """(P, D) of a picture (SIDE, W, 3): nothing to resize, only to crop."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    state = {key: value.float() for key, value in files.vision.items()}
    tower = CLIPVisionModel.from_pretrained(
        None, config=CLIPVisionConfig(**VISION), state_dict=state
    )
    left = (image.shape[1] - SIDE) // 2
    pixels = (image[:, left : left + SIDE] * 255).round() / 255
    pixels = (pixels - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
    states = tower.eval()(pixels.movedim(-1, 0)[None], output_hidden_states=True).hidden_states
    chosen = states[LLAVA["mm_vision_select_layer"]][0, 1:]
    weights = (files.weight(f"model.mm_projector.{kind}") for kind in ("weight", "bias"))
    return F.linear(chosen, *weights)


def answer(files: Files, instruction: str, image: Tensor) -> tuple[list[int], int, Tensor]:
    """Tokens of prompt and answer, how many are the prompt, and the states (L, D)."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**LLAVA | {"vocab_size": vocabulary(), "torch_dtype": "float32"})
    llama = LlamaForCausalLM(config).float().eval()
    llama.load_state_dict({key: files.weight(key) for key in llama.state_dict()})
    tokens = prompt_ids(instruction)
    num_prompt, patch = len(tokens), tokenizer().token_to_id("<im_patch>")
    pictured = torch.tensor([token == patch for token in tokens])
    features = patch_features(files, image)
    words = llama.get_input_embeddings()
    while True:
        embedded = words(torch.tensor(tokens))
        embedded[:num_prompt][pictured] = features
        hidden = llama.model(inputs_embeds=embedded[None]).last_hidden_state[0]
        scores = llama.lm_head(hidden[-1])
        scores[repeats(tokens)] = -torch.inf
        tokens.append(int(scores.argmax()))
        if tokens[-1] == 2 or len(tokens) == num_prompt + 96:
            return tokens, num_prompt, hidden


def repeats(tokens: list[int]) -> list[int]:
    """Tokens that would end a triple that was there before."""
    triples = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return [last for *two, last in triples if two == tokens[-2:]]


def chosen_states(tokens: list[int], hidden: Tensor) -> Tensor:
    first = vocabulary() - 8
    place = tokens.index(first) - 1 if first in tokens else len(hidden) - 9
    place = min(place, len(hidden) - 9)
    return hidden[place : place + 8]


def edit_head(files: Files, hidden: Tensor) -> Tensor:
    """Text features (77, 768 at full size) of states (8, D)."""
    w = {
        key.removeprefix("edit_head."): value.float()
        for key, value in files.mllm.items()
        if key.startswith("edit_head.")
    }
    memory = linear(w, "llm2hid", hidden + files.weight("emb")[0])
    home = "mapper.encoder"
    for layer in (f"{home}.layers.0", f"{home}.layers.1"):
        normed = norm(w, f"{layer}.norm1", memory)
        memory = memory + attention(w, f"{layer}.self_attn", normed, normed)
        memory = memory + feed_forward(w, layer, norm(w, f"{layer}.norm2", memory))
    memory = norm(w, f"{home}.norm", memory)
    home, x = "mapper.decoder", w["query"][0]
    for layer in (f"{home}.layers.0", f"{home}.layers.1"):
        normed = norm(w, f"{layer}.norm1", x)
        x = x + attention(w, f"{layer}.self_attn", normed, normed)
        x = x + attention(w, f"{layer}.multihead_attn", norm(w, f"{layer}.norm2", x), memory)
        x = x + feed_forward(w, layer, norm(w, f"{layer}.norm3", x))
    return linear(w, "hid2feat", norm(w, f"{home}.norm", x))


def linear(w: dict, name: str, x: Tensor) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def norm(w: dict, name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    return centred * scale * w[f"{name}.weight"] + w[f"{name}.bias"]


def feed_forward(w: dict, layer: str, x: Tensor) -> Tensor:
    return linear(w, f"{layer}.linear2", linear(w, f"{layer}.linear1", x).relu())


def attention(w: dict, name: str, x: Tensor, memory: Tensor) -> Tensor:
    """Four heads, one after another."""
    matrices = w[f"{name}.in_proj_weight"].chunk(3)
    biases = w[f"{name}.in_proj_bias"].chunk(3)
    q, k, v = (
        given @ matrix.T + bias
        for given, matrix, bias in zip((x, memory, memory), matrices, biases, strict=True)
    )
    heads = []
    for query, key, value in zip(q.chunk(4, -1), k.chunk(4, -1), v.chunk(4, -1), strict=True):
        weights = (query @ key.T / query.shape[-1] ** 0.5).softmax(-1)
        heads.append(weights @ value)
    return linear(w, f"{name}.out_proj", torch.cat(heads, -1))
