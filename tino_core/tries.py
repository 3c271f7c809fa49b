"""First noises elected by the loss of what each gives in one pass, without any update."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Election:
    """noise (B, C, h, w): each image's best; elected (B,): its number; losses (N, B): of all."""

    noise: Tensor
    elected: Tensor
    losses: Tensor


@torch.no_grad()
def elect_noise(
    value: Callable[[Tensor], Tensor], noises: Tensor, on_try: Callable[[int], bool | None]
) -> Election:
    """Each image's noise with the lowest loss; ties go to the lower number.

    value: ``noise (B, C, h, w) -> loss (B,)``; noises (N, B, C, h, w); on_try: told each number,
    and True ends the election among those tried
    Raises ValueError when no try of an image gave a number.
    """
    losses = []
    for number, noise in enumerate(noises):
        losses.append(value(noise))
        if on_try(number):
            break
    table = torch.stack(losses)
    known = table.where(table.isfinite(), torch.inf)
    if bool(known.amin(0).isinf().any()):
        raise ValueError(
            "loss: it is not a number for any of the tries. Check the model's precision and the "
            "loss models."
        )
    elected = known.argmin(0)
    images = torch.arange(noises.shape[1], device=noises.device)
    return Election(noises[elected, images], elected.cpu(), table.cpu())
