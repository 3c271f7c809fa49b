"""The source kept outside the edit: soft masks, pasting back, colours matched."""

import torch.nn.functional as F
from torch import Tensor


def feathered(mask: Tensor, radius: int) -> Tensor:
    """A mask with a soft edge on both sides of its own, two box blurs wide.

    mask (B, H, W): in [0, 1]; radius: pixels that the edge reaches on either side, 0 for none.
    Returns (B, H, W).
    """
    half = radius // 2
    for _ in range(2 if half else 0):
        padded = F.pad(mask[:, None], [half] * 4, mode="replicate")
        mask = F.avg_pool2d(padded, 2 * half + 1, stride=1)[:, 0]
    return mask


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
