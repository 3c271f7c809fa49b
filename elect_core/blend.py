"""The source kept outside the edit: soft masks, pasting back, colours matched."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor


def edited_from(mask: Tensor, threshold: float) -> Tensor:
    """A mask that says yes or no: 1 where it is at least so much of its highest value.

    A soft map, such as that of the relevance, is high in the middle of an edit alone: taken as
    weights it would mix the edit with what was there before.

    mask (B, H, W): in [0, 1]; threshold: share of each one's highest value, 0 for it as it is.
    Returns (B, H, W).
    """
    if threshold <= 0:
        return mask
    return (mask >= threshold * mask.amax((-2, -1), keepdim=True).clamp_min(1e-6)).to(mask)


def feathered(mask: Tensor, radius: int) -> Tensor:
    """A mask with a soft edge outside its own: it is grown and blurred by as much.

    Inside it stays what it is, so that nothing of an edit is lost to what was there before.

    mask (B, H, W): in [0, 1]; radius: pixels that the edge reaches (to within one), 0 for none.
    Returns (B, H, W).
    """
    half = radius // 2
    if half == 0:
        return mask
    soft = _pooled(F.max_pool2d, mask[:, None], half)
    for part in (half // 2, half - half // 2):
        soft = _pooled(F.avg_pool2d, soft, part)
    return soft[:, 0]


def _pooled(pool: Callable[..., Tensor], values: Tensor, half: int) -> Tensor:
    """Over squares of 2 half + 1 pixels, rows before columns; the picture's edge is repeated."""
    long, sides = 2 * half + 1, [half, half]
    values = pool(F.pad(values, [*sides, 0, 0], mode="replicate"), (1, long), stride=1)
    return pool(F.pad(values, [0, 0, *sides], mode="replicate"), (long, 1), stride=1)


def kept_outside(result: Tensor, source: Tensor, weight: Tensor) -> Tensor:
    """The result inside the mask, the source outside: ``w * result + (1 - w) * source``.

    result (N, ...), source (1, ...) and weight, which is 1 where the result is taken, broadcast.
    """
    weight = weight.to(result)
    return weight * result + (1 - weight) * source.to(result)


def colours_matched(result: Tensor, source: Tensor, weight: Tensor) -> Tensor:
    """The result with the gain and offset a channel that bring its background nearest the source's.

    Least squares over the pixels, by how much they are background. A channel without contrast
    there is only shifted.

    result, source (B, H, W, 3): in [0, 1]; weight (B or 1, H, W): 1 = edited, nowhere all of it.
    Returns (B, H, W, 3) in [0, 1]; as it is where there is no background.
    """
    share = (1 - weight)[..., None].expand_as(result[..., :1])
    total = share.sum((1, 2), keepdim=True)

    def mean(values: Tensor) -> Tensor:
        return (share * values).sum((1, 2), keepdim=True) / total.clamp_min(1e-6)

    middle, wanted = mean(result), mean(source)
    spread = mean((result - middle).square())
    together = mean((result - middle) * (source - wanted))
    gain = (together / spread.clamp_min(1e-6)).where(spread > 1e-6, spread.new_tensor(1.0))
    matched = (gain * (result - middle) + wanted).clamp(0, 1)
    return matched.where(total > 1, result)
