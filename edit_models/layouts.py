"""What a file of weights is, from its keys and shapes alone.

Two layouts are known here, those that ComfyUI's own loaders do not take:

    UNetLayout    InstructPix2Pix and MagicBrush in diffusers' keys: SD 1.5's UNet, 8 input channels
    MMDiTLayout   UltraEdit: SD3's transformer with 32 or 48 input channels, in diffusers' or SD3's
                  own keys

Everything else is refused by name, and where ComfyUI takes it, the loader is named too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .shapes import Shapes

LATENT_CHANNELS = 16
"""Of SD3's VAE; an UltraEdit sees two or three such latents side by side."""
HEAD_WIDTH = 64
"""Of SD3's attention; ComfyUI's transformer has as many blocks as heads."""
_PREFIX = "model.diffusion_model."
_EXPECTED = (
    "EditModelLoader takes a diffusers UNet of SD 1.5 with 8 input channels (InstructPix2Pix, "
    "MagicBrush) or an SD3 transformer with 32 or 48 (UltraEdit)"
)

_FROM_FOLDER = (
    "Copy its weights, as one file, to models/diffusion_models (no loader of ComfyUI's looks for "
    "it here), then use Load Diffusion Model."
)


@dataclass(frozen=True)
class UNetLayout:
    """A diffusers UNet of SD 1.5's kind with 8 input channels.

    num_res_blocks: on the way down, by level; transformer_depth: by residual block on the way
    down, transformer_depth_output: on the way up, read from its end; context_dim: width of the text
    """

    num_res_blocks: tuple[int, ...]
    transformer_depth: tuple[int, ...]
    transformer_depth_middle: int
    transformer_depth_output: tuple[int, ...]
    context_dim: int


@dataclass(frozen=True)
class MMDiTLayout:
    """An SD3 transformer with the source's latent, and maybe the mask's, beside the noisy one.

    in_channels: 32 (noisy, source) or 48 (noisy, source, mask); diffusers_keys: else SD3's own
    context_dim, pooled_dim: widths of the text's two features; prefix: what every key starts with
    """

    in_channels: int
    diffusers_keys: bool
    context_dim: int
    pooled_dim: int
    prefix: str = ""


Layout = UNetLayout | MMDiTLayout


def recognise(name: str, shapes: Shapes, in_folder: bool = False) -> Layout:
    """The layout of a file.  Raises ValueError, naming it, for what this pack need not load.

    name: as the user knows the file; shapes: of all its tensors
    in_folder: it lies in a diffusers folder, which ComfyUI's own loaders do not see
    """
    prefix = _PREFIX if any(key.startswith(_PREFIX) for key in shapes) else ""
    if "conv_in.weight" in shapes and any(key.startswith("down_blocks.") for key in shapes):
        return _unet(name, shapes, in_folder)
    if any(key.startswith("transformer_blocks.0.attn.add_q_proj") for key in shapes):
        return _mmdit(name, shapes, _DIFFUSERS_MMDIT, "", in_folder)
    if any(key.startswith(f"{prefix}joint_blocks.0.context_block") for key in shapes):
        return _mmdit(name, shapes, _SD3_MMDIT, prefix, in_folder)
    if f"{prefix}input_blocks.0.0.weight" in shapes:
        channels = shapes[f"{prefix}input_blocks.0.0.weight"][1]
        raise ValueError(
            f"name: {name} is a Stable Diffusion UNet in its original keys with {channels} input "
            "channels, which ComfyUI takes itself. "
            + _stock("Load Checkpoint, or Load Diffusion Model for a bare UNet", in_folder)
        )
    found = ", ".join(sorted(shapes)[:3]) or "no tensor at all"
    raise ValueError(f"name: {name} is another architecture (found {found}). {_EXPECTED}.")


def _stock(loaders: str, in_folder: bool) -> str:
    """How what ComfyUI takes itself comes to its loaders."""
    return _FROM_FOLDER if in_folder else f"Use {loaders}."


def _missing(name: str, key: str) -> ValueError:
    return ValueError(
        f"name: {name} lacks {key}, so it is not the whole model. Download or convert it again."
    )


def _shape(name: str, shapes: Shapes, key: str) -> tuple[int, ...]:
    if key not in shapes:
        raise _missing(name, key)
    return shapes[key]


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbered parts a prefix has: prefix0., prefix1., ..."""
    numbers = {key[len(prefix) :].split(".")[0] for key in shapes if key.startswith(prefix)}
    count = 0
    while str(count) in numbers:
        count += 1
    return count


def _unet(name: str, shapes: Shapes, in_folder: bool) -> UNetLayout:
    if "add_embedding.linear_1.weight" in shapes:
        raise ValueError(
            f"name: {name} is a diffusers UNet of SDXL, which ComfyUI takes itself. "
            + _stock("Load Diffusion Model", in_folder)
        )
    channels = shapes["conv_in.weight"][1]
    if channels != 8:
        raise ValueError(
            f"name: {name} is a diffusers UNet with {channels} input channels. An InstructPix2Pix "
            "has 8: the noisy latent and the source's. Choose an editing model."
        )
    levels = _count(shapes, "down_blocks.")
    res_blocks = [_count(shapes, f"down_blocks.{level}.resnets.") for level in range(levels)]
    down = [d for level in range(levels) for d in _depths(shapes, f"down_blocks.{level}.")]
    up = [d for level in range(levels) for d in _depths(shapes, f"up_blocks.{level}.")]
    return UNetLayout(
        num_res_blocks=tuple(res_blocks),
        transformer_depth=tuple(down),
        transformer_depth_middle=_count(shapes, "mid_block.attentions.0.transformer_blocks."),
        transformer_depth_output=tuple(reversed(up)),
        context_dim=_context_dim(name, shapes),
    )


def _depths(shapes: Shapes, level: str) -> Iterator[int]:
    """Transformer blocks after each residual block of a level."""
    for block in range(_count(shapes, f"{level}resnets.")):
        yield _count(shapes, f"{level}attentions.{block}.transformer_blocks.")


def _context_dim(name: str, shapes: Shapes) -> int:
    key = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    width = _shape(name, shapes, key)[1]
    if len(_shape(name, shapes, "mid_block.attentions.0.proj_in.weight")) != 4:
        raise ValueError(
            f"name: {name} is a diffusers UNet of SD 2.x (linear projections). {_EXPECTED}."
        )
    return width


@dataclass(frozen=True)
class _MMDiTKeys:
    """Where one naming keeps what tells an SD3 transformer's sizes."""

    diffusers: bool
    patches: str
    context: str
    pooled: str
    positions: str
    blocks: str
    first: str


_DIFFUSERS_MMDIT = _MMDiTKeys(
    diffusers=True,
    patches="pos_embed.proj.weight",
    context="context_embedder.weight",
    pooled="time_text_embed.text_embedder.linear_1.weight",
    positions="pos_embed.pos_embed",
    blocks="transformer_blocks.",
    first="transformer_blocks.0.attn.add_q_proj.weight",
)
_SD3_MMDIT = _MMDiTKeys(
    diffusers=False,
    patches="x_embedder.proj.weight",
    context="context_embedder.weight",
    pooled="y_embedder.mlp.0.weight",
    positions="pos_embed",
    blocks="joint_blocks.",
    first="joint_blocks.0.context_block.attn.qkv.weight",
)


def _mmdit(
    name: str, shapes: Shapes, keys: _MMDiTKeys, prefix: str, in_folder: bool
) -> MMDiTLayout:
    width, channels = _shape(name, shapes, prefix + keys.patches)[:2]
    if channels not in (2 * LATENT_CHANNELS, 3 * LATENT_CHANNELS):
        cure = "Choose an editing model."
        if channels == LATENT_CHANNELS:
            cure = "It is a plain SD3. " + _stock(
                "Load Checkpoint or Load Diffusion Model", in_folder
            )
        raise ValueError(
            f"name: {name} is an SD3 transformer with {channels} input channels. An UltraEdit has "
            f"32 (noisy latent and source) or 48 (and the mask). {cure}"
        )
    for key in (keys.positions, keys.first):
        _shape(name, shapes, prefix + key)
    blocks = _count(shapes, prefix + keys.blocks)
    if blocks * HEAD_WIDTH != width:
        raise ValueError(
            f"name: {name} has {blocks} whole blocks {width} wide; an SD3 transformer has one "
            f"block for every {HEAD_WIDTH}. The file is not whole, or another architecture."
        )
    return MMDiTLayout(
        in_channels=channels,
        diffusers_keys=keys.diffusers,
        context_dim=_shape(name, shapes, prefix + keys.context)[1],
        pooled_dim=_shape(name, shapes, prefix + keys.pooled)[1],
        prefix=prefix,
    )
