"""LATENT, MASK and IMAGE against the shapes the kernels want."""

import comfy.latent_formats
import comfy.sample
import torch
import torch.nn.functional as F
from torch import Tensor

# ComfyUI's latent formats of another ratio than 8; newer versions say it themselves.
_PIXELS_PER_LATENT = {
    "ChromaRadiance": 1,
    "Flux2": 16,
    "HunyuanImage21": 32,
    "HunyuanImage21Refiner": 16,
    "HunyuanVideo15": 16,
    "LTXV": 32,
    "SC_B": 4,
    "SD_X4": 4,
    "Wan22": 16,
}
_SAME_SIZE = (
    "Scale the picture with EditSize, encode that, and give latent_image the same size, so that "
    "source and result lie on each other."
)


def single_latent(patcher, latent: dict) -> dict:
    """A LATENT of one picture with the model's own channel count, or a ValueError.

    Empty latents of another model's channel count are widened, as SamplerCustomAdvanced does.
    """
    samples = latent["samples"]
    if samples.is_nested:
        raise ValueError(
            "latent_image: nested latents (video with audio) are not supported; "
            "give the latent of one picture or video."
        )
    if latent.get("type") == "audio" or samples.ndim not in (4, 5):
        raise ValueError(
            "latent_image: expected the latent of a picture (1, C, h, w) or a video "
            f"(1, C, T, h, w), got {tuple(samples.shape)}."
        )
    if len(samples) != 1:
        raise ValueError(
            f"latent_image: expected one picture, got a batch of {len(samples)}. To edit each of "
            "them, send the pictures through RebatchImages with batch_size 1 before they are "
            "encoded: all that follows then runs once a picture, as in the workflow "
            "elect_each_picture. Candidates come from num_candidates. To take one picture, use "
            "ImageFromBatch or LatentFromBatch."
        )
    single = {**latent, "samples": comfy.sample.fix_empty_latent_channels(patcher, samples)}
    mask = latent.get("noise_mask")
    if samples.ndim == 4 and mask is not None and mask.ndim > 2:
        single["noise_mask"] = mask[:1]  # the one that a batch of one is given
    return single


def match_source(source: Tensor, estimates: Tensor, name: str) -> Tensor:
    """The source latent in the estimates' layout, (1, C, h, w), or a ValueError naming `name`."""
    if source.ndim == 4 and estimates.ndim == 5:
        source = source.unsqueeze(2)
    if source.shape[1:] != estimates.shape[1:]:
        raise ValueError(
            f"{name}: expected the source's latent in the candidates' size "
            f"{tuple(estimates.shape[1:])}, got {tuple(source.shape[1:])}. "
            + _source_cure(source, estimates)
        )
    return source[:1].to(estimates.device)


def _source_cure(source: Tensor, estimates: Tensor) -> str:
    if source.shape[1] != estimates.shape[1]:
        return "Encode the picture with the VAE of the model that edits it."
    if source.shape[-2:] == estimates.shape[-2:]:
        return "Encode a video of as many frames as latent_image has."
    return _SAME_SIZE


def crop_like_host(image: Tensor, height: int, width: int, name: str = "image") -> Tensor:
    """IMAGE (B, H, W, 3) cut to a size as InstructPixToPixConditioning cuts it: centred.

    height, width: the size the latent stands for.  Raises ValueError unless the image is that
    size or up to 63 pixels larger.
    """
    rest = (image.shape[1] - height, image.shape[2] - width)
    if not all(0 <= r < 64 for r in rest):
        raise ValueError(
            f"{name}: expected the source picture at {width}x{height} (what the candidates' "
            f"latent stands for), got {image.shape[2]}x{image.shape[1]}. {_SAME_SIZE}"
        )
    top, left = rest[0] // 2, rest[1] // 2
    return image[:, top : top + height, left : left + width]


def pixels_per_latent(patcher, latent: Tensor, image: Tensor | None) -> int:
    """Pixels that one latent cell stands for: as the model's format says.

    A format that is none of ComfyUI's own, nor made from one, may have any ratio; the picture tells
    it, where there is one.
    """
    form = patcher.model.latent_format
    if hasattr(form, "spacial_downscale_ratio"):
        return int(form.spacial_downscale_ratio)
    kinds = [kind for kind in type(form).__mro__ if kind is not comfy.latent_formats.LatentFormat]
    own = [kind.__name__ for kind in kinds if kind.__module__ == "comfy.latent_formats"]
    if not own and image is not None:
        ratio = image.shape[1] // latent.shape[-2]
        if ratio >= 1 and image.shape[2] // latent.shape[-1] == ratio:
            return ratio
    return _PIXELS_PER_LATENT.get(own[0], 8) if own else 8


def painted(mask: Tensor) -> Tensor:
    """The user's own MASK as (B, H, W), or a ValueError unless it is in [0, 1] and not empty."""
    mask = mask.reshape(-1, *mask.shape[-2:]).float()
    low, high = float(mask.min()), float(mask.max())
    if not 0 <= low <= high <= 1:
        raise ValueError(f"mask: expected values from 0 to 1, got {low:.3g} to {high:.3g}.")
    if high == 0:
        raise ValueError("mask: it is empty. Paint what may be edited (1 = edited).")
    return mask


def partly_painted(mask: Tensor) -> Tensor:
    """The user's own MASK as (B, H, W), or a ValueError: an empty or full one compares nothing."""
    mask = painted(mask)
    if mask.min() == 1:
        raise ValueError(
            "mask: it covers the whole picture, so there is no background to compare. "
            "Paint only what may be edited (1 = edited)."
        )
    return mask


def check_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """The user's own MASK as (B, H, W) in [0, 1], or a ValueError naming it.

    height, width: the picture's size.
    """
    mask = partly_painted(mask)
    if abs(mask.shape[-2] / mask.shape[-1] - height / width) > 0.1 * height / width:
        raise ValueError(
            f"mask: expected the picture's shape {width}x{height}, got "
            f"{mask.shape[-1]}x{mask.shape[-2]}."
        )
    return mask


def mask_like(mask: Tensor, target: Tensor) -> Tensor:
    """MASK (B, H, W) as weights for a tensor (N, C, [T,] h, w): (1, 1, [T,] h, w), area-averaged.

    Frames of another number (a video's pictures against its latents) are matched in time.
    """
    mask = F.interpolate(mask[:, None].float(), size=target.shape[-2:], mode="area")
    mask = mask.to(target.device)
    if target.ndim == 4:
        return mask.mean(0, keepdim=True)
    return _in_time(mask, target.shape[2]).movedim(0, 1)[None]


def _in_time(frames: Tensor, count: int) -> Tensor:
    """`count` of the frames (T, ...), evenly over time, repeated where there are fewer."""
    return frames[torch.linspace(0, len(frames) - 1, count).round().long()]


def to_mask(weight: Tensor, height: int, width: int) -> Tensor:
    """Weights (1, 1, [T,] h, w) as a MASK (T, H, W) at image size, bilinear."""
    frames = weight[0].movedim(0, 1) if weight.ndim == 5 else weight
    size = (height, width)
    return F.interpolate(frames, size=size, mode="bilinear", align_corners=False)[:, 0].clamp(0, 1)


def overlay(image: Tensor, mask: Tensor) -> Tensor:
    """IMAGE (B, H, W, 3) with the MASK (T, H, W) laid over it in red, frames matched in time."""
    frames = max(len(image), len(mask))
    image, mask = _in_time(image, frames), _in_time(mask, frames)
    red = image.new_tensor([1.0, 0.1, 0.1])
    strength = 0.65 * mask[..., None].to(image)
    return image[..., :3] * (1 - strength) + red * strength
