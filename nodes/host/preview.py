"""Progress over all candidates, with a small picture of each as its estimate takes shape."""

import math
import sys
from collections.abc import Sequence

import comfy.utils
import latent_preview
from PIL import Image
from torch import Tensor

_SIDE = 512


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
        for row, seed in enumerate(seeds):
            picture = self.previewer.decode_latent_to_preview(denoised[row : row + 1])
            self.pictures[seed] = picture
        return ("JPEG", self._sheet(), _SIDE)

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
