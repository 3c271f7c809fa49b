"""Whether a loss asks for an edit at all: its terms for the untouched source and a first result."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Guard:
    """source, first: weighted terms (B,) by name, of the untouched source and the first result."""

    source: Mapping[str, Tensor]
    first: Mapping[str, Tensor]

    def totals(self) -> tuple[Tensor, Tensor]:
        """The loss of the source and of the first result, (B,) each."""
        both = (torch.stack(list(terms.values())).sum(0) for terms in (self.source, self.first))
        source, first = both
        return source, first

    @property
    def prefers_no_edit(self) -> Tensor:
        """Images (B,) whose untouched source has a lower loss than a result that was edited."""
        source, first = self.totals()
        return source < first

    def blamed(self, image: int) -> str:
        """The term that speaks most for the source of an image."""
        return max(
            self.first, key=lambda name: float((self.first[name] - self.source[name])[image])
        )
