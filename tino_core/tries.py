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
    values: Callable[[Tensor], Tensor],
    noises: Tensor,
    on_try: Callable[[int], bool | None],
    at_once: int = 1,
    out_of_memory: type[BaseException] | tuple[type[BaseException], ...] = (),
    on_halved: Callable[[], object] = lambda: None,
) -> Election:
    """Each image's noise with the lowest loss; ties go to the lower number.

    values: ``noises (n, B, C, h, w) -> losses (n, B)``; noises (N, B, C, h, w)
    on_try: told the last number of each batch; True ends the election among those tried
    at_once: n at most; a batch that raises `out_of_memory` is cut in half and tried again
    on_halved: called then, with nothing of the failed call alive any more
    Raises ValueError when no try of an image gave a number.
    """
    losses: list[Tensor] = []
    while len(losses) < len(noises):
        batch = noises[len(losses) : len(losses) + at_once]
        try:
            found = values(batch)
        except out_of_memory:
            if len(batch) == 1:
                raise
            found = None
        if found is None:  # out of the handler, which keeps the failed call's tensors alive
            at_once = len(batch) // 2
            on_halved()
            continue
        losses.extend(found)
        if on_try(len(losses) - 1):
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
