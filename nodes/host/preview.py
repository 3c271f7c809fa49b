"""Progress over all candidates, with a small picture of each as its estimate takes shape."""

import math
import sys
from collections.abc import Sequence

import comfy.utils
import latent_preview
import torch
from PIL import Image
from torch import Tensor

_SIDE = 512
_CELLS = 128 * 128
"""Latent cells that a preview's network decodes at once: no more memory than for one large
picture. ComfyUI's quick previews, a product with three colours, know no limit."""


def tell(node_id: str | None, text: str) -> None:
    """Show a text on a node while it runs."""
    running = sys.modules.get("server")  # absent where nodes are used without the server
    if running is not None and node_id is not None:
        server = running.PromptServer.instance
        server.send_progress_text(text, node_id, server.client_id)


class CandidateProgress:
    """ComfyUI's progress bar and preview for N candidates of `num_steps` steps each.

    total: steps of all together, where they do not all run as far
    """

    def __init__(self, patcher, seeds: Sequence[int], num_steps: int, total: int | None = None):
        self.seeds = list(seeds)
        self.steps = dict.fromkeys(self.seeds, 0)
        self.total = len(self.seeds) * num_steps if total is None else total
        self.bar = comfy.utils.ProgressBar(self.total)
        self.previewer = latent_preview.get_previewer(
            patcher.load_device, patcher.model.latent_format
        )
        quick = isinstance(self.previewer, latent_preview.Latent2RGBPreviewer)
        self.cells = sys.maxsize if quick else _CELLS
        self.pictures: dict[int, Image.Image] = {}

    def __call__(self, seeds: Sequence[int], step: int, denoised: Tensor) -> None:
        """Show that the seeds of one batch finished `step`; denoised (N, C, h, w)."""
        for seed in seeds:
            self.steps[seed] = max(self.steps[seed], step + 1)
        self.bar.update_absolute(
            sum(self.steps.values()), self.total, self._preview(seeds, denoised)
        )

    def _preview(self, seeds: Sequence[int], denoised: Tensor) -> tuple | None:
        if self.previewer is None:
            return None
        size = max(1, self.cells // math.prod(denoised.shape[-2:]))
        for rows, some in zip(denoised.split(size), _in_parts(seeds, size), strict=True):
            self.pictures |= zip(some, self._decoded(rows), strict=True)
        return ("JPEG", self._sheet(), _SIDE)

    def _decoded(self, rows: Tensor) -> list[Image.Image]:
        """A picture of each row (N, C, h, w): side by side in one decoding and one transfer."""
        assert self.previewer is not None
        strip = self.previewer.decode_latent_to_preview(torch.cat(rows.split(1), dim=-1))
        width = strip.width // len(rows)
        return [
            strip.crop((place * width, 0, (place + 1) * width, strip.height))
            for place in range(len(rows))
        ]

    def _sheet(self) -> Image.Image:
        columns = math.ceil(math.sqrt(len(self.seeds)))
        rows = math.ceil(len(self.seeds) / columns)
        first = next(iter(self.pictures.values()))
        scale = _SIDE / (columns * max(first.size))
        tile = (max(1, round(first.width * scale)), max(1, round(first.height * scale)))
        sheet = Image.new("RGB", (tile[0] * columns, tile[1] * rows))
        for place, seed in enumerate(self.seeds):
            if seed in self.pictures:
                at = (place % columns * tile[0], place // columns * tile[1])
                sheet.paste(self.pictures[seed].resize(tile, Image.Resampling.BILINEAR), at)
        return sheet


def _in_parts(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[begin : begin + size] for begin in range(0, len(items), size)]
