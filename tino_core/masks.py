"""What may change: (B, 1, H, W) masks in [0, 1], 1 = edited (TiNO-Edit, section 4.1)."""

import re

import torch
import torch.nn.functional as F
from torch import Tensor


def changed_words(source_prompt: str, target_prompt: str) -> list[str]:
    """Words of the source prompt that the target prompt lacks, in order, each once.

    They name the object to replace.  Raises ValueError when there is none.
    """

    def words(prompt: str) -> list[str]:
        return re.findall(r"[^\W_]+(?:['-][^\W_]+)*", prompt.lower())

    kept = set(words(target_prompt))
    gone = list(dict.fromkeys(word for word in words(source_prompt) if word not in kept))
    if not gone:
        raise ValueError(
            "source_prompt: every word of it is in target_prompt too, so no word names the object "
            "to replace. Name the object in source_prompt only, or use another mask mode."
        )
    return gone


def check_mask(mask: Tensor, name: str = "mask") -> Tensor:
    """The mask itself, or a ValueError naming it when nothing may change or values are off."""
    low, high = float(mask.min()), float(mask.max())
    if not 0 <= low <= high <= 1:
        raise ValueError(f"{name}: expected values from 0 to 1, got {low:.3g} to {high:.3g}.")
    if high == 0:
        raise ValueError(f"{name}: it is empty, so nothing may change. Mark what may (1 = edited).")
    return mask


def whole_mask(image: Tensor) -> Tensor:
    """All ones, for style transfer.  image (B, 3, H, W).  Returns (B, 1, H, W)."""
    return torch.ones_like(image[:, :1])


def difference_mask(image: Tensor, changed: Tensor, threshold: float = 0.0) -> Tensor:
    """1 where two pictures differ: ``1 - delta(I, I*)``, for strokes and compositions.

    image, changed (B, 3, H, W) in [0, 1]; threshold: differences up to it count as none (a
    picture that was compressed in between).  Returns (B, 1, H, W).
    Raises ValueError when the sizes differ, or the pictures do not.
    """
    if image.shape != changed.shape:
        raise ValueError(
            f"second image: expected the size of the first, {tuple(image.shape[-2:])}, got "
            f"{tuple(changed.shape[-2:])}."
        )
    mask = ((image - changed).abs().amax(1, keepdim=True) > threshold).to(image)
    return check_mask(mask, "second image (it equals the first): mask")


def text_difference(wanted: Tensor, now: Tensor) -> Tensor:
    """How differently a model denoises under two texts: mean |difference| over channels (DiffEdit).

    wanted, now (B, C, h, w): the denoised estimates of one noised picture under the target's and
    the source's text.  Returns (B, 1, h, w), at least 0.
    """
    return (wanted.float() - now.float()).abs().mean(1, keepdim=True)


def relevance_mask(relevance: Tensor, size: tuple[int, int], threshold: float) -> Tensor:
    """1 where relevance reaches a share of its strongest, enlarged to pixels.

    relevance (B, 1, h, w), at least 0; size: H, W; threshold: 0 to 1, of the value that one cell in
    a hundred surpasses, so that a single cell does not set the scale.  Returns (B, 1, H, W).
    Raises ValueError where the model answers both texts alike.
    """
    strongest = relevance.flatten(1).quantile(0.99, dim=1).reshape(-1, 1, 1, 1)
    if bool((strongest <= 0).any()):
        raise ValueError(
            "target_prompt: the MODEL answers it as it does source_prompt, so nothing is relevant. "
            "Change the prompts, or use another mask mode."
        )
    large = F.interpolate(relevance / strongest, size=size, mode="bilinear", align_corners=False)
    return (large >= threshold).to(relevance)


def soften(mask: Tensor, radius: int) -> Tensor:
    """The mask with edges that fade over about `radius` pixels on either side; 0 leaves it.

    mask (B, 1, H, W).  A mean over a square, twice: the mean of the mask is kept inside.
    Raises ValueError for a radius below 0.
    """
    if radius < 0:
        raise ValueError(f"soft_edge: expected 0 pixels or more, got {radius}.")
    for _ in range(2 if radius else 0):
        padded = F.pad(mask, (radius,) * 4, mode="replicate")
        mask = F.avg_pool2d(padded, 2 * radius + 1, stride=1).clamp(0, 1)
    return mask
