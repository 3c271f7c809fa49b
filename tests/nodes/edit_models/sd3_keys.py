"""A diffusers SD3 transformer under the names of SD3's own release, written out by hand."""

import torch
from torch import Tensor

State = dict[str, Tensor]

OUTSIDE = {
    "x_embedder.proj": "pos_embed.proj",
    "context_embedder": "context_embedder",
    "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
    "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
    "y_embedder.mlp.0": "time_text_embed.text_embedder.linear_1",
    "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
    "final_layer.linear": "proj_out",
}
PICTURE = {
    "attn.proj": "attn.to_out.0",
    "mlp.fc1": "ff.net.0.proj",
    "mlp.fc2": "ff.net.2",
    "adaLN_modulation.1": "norm1.linear",
}
TEXT = {
    "attn.proj": "attn.to_add_out",
    "mlp.fc1": "ff_context.net.0.proj",
    "mlp.fc2": "ff_context.net.2",
    "adaLN_modulation.1": "norm1_context.linear",
}


def sd3_keys(state: State) -> State:
    """The same weights, as SD3 names and stacks them."""
    out = {"pos_embed": state["pos_embed.pos_embed"]}
    num_blocks = len({key.split(".")[1] for key in state if key.startswith("transformer_blocks.")})
    for end in ("weight", "bias"):
        out |= {f"{ours}.{end}": state[f"{theirs}.{end}"] for ours, theirs in OUTSIDE.items()}
        key = f"final_layer.adaLN_modulation.1.{end}"
        out[key] = _shift_first(state[f"norm_out.linear.{end}"])
        for block in range(num_blocks):
            out |= _block(state, block, end, last=block == num_blocks - 1)
    return {key: tensor.contiguous() for key, tensor in out.items()}


def _block(state: State, block: int, end: str, last: bool) -> State:
    a, b = f"joint_blocks.{block}", f"transformer_blocks.{block}"
    picture = torch.cat([state[f"{b}.attn.to_{name}.{end}"] for name in "qkv"])
    text = torch.cat([state[f"{b}.attn.add_{name}_proj.{end}"] for name in "qkv"])
    out = {f"{a}.x_block.attn.qkv.{end}": picture, f"{a}.context_block.attn.qkv.{end}": text}
    out |= {f"{a}.x_block.{ours}.{end}": state[f"{b}.{p}.{end}"] for ours, p in PICTURE.items()}
    if last:  # the text ends here: only its keys and values are still read
        key = f"{a}.context_block.adaLN_modulation.1.{end}"
        return {**out, key: _shift_first(state[f"{b}.norm1_context.linear.{end}"])}
    return out | {f"{a}.context_block.{o}.{end}": state[f"{b}.{t}.{end}"] for o, t in TEXT.items()}


def _shift_first(tensor: Tensor) -> Tensor:
    """Of the norms that scale and shift alone, diffusers has the scale first, SD3 the shift."""
    scale, shift = tensor.chunk(2)
    return torch.cat([shift, scale])
