"""What a run shows while it goes on: source, best result so far, the loss, and a line of text."""

from __future__ import annotations

import comfy.utils
import latent_preview
import torch
from PIL import Image
from torch import Tensor

from ..host.preview import tell
from ..host.tino.frames import framed
from .loss_curve import draw_curve

_SIDE = 256  # of each picture in the sheet, pixels


class IterationProgress:
    """ComfyUI's progress bar, a sheet of pictures, and a line of text on the node.

    patcher: the MODEL; source (B, C, h, w): in the model's scale; keep_last: the result will be the
    last one, not the best
    """

    def __init__(
        self,
        patcher,
        source: Tensor,
        num_iterations: int,
        node_id: str | None,
        keep_last: bool = False,
    ):
        self.total = num_iterations + 1
        self.bar = comfy.utils.ProgressBar(self.total, node_id=node_id)
        self.node_id, self.keep_last = node_id, keep_last
        self.note = ""  # shown under every line
        self.losses: list[Tensor] = []
        self.form = patcher.model.latent_format
        self.previewer = latent_preview.get_previewer(
            patcher.load_device, patcher.model.latent_format
        )
        self.source = self._tile(source)
        self.kept: Image.Image | None = None

    def __call__(self, iteration: int, loss: Tensor, x0: Tensor) -> None:
        """Show one iteration; loss (B,), x0 (B, C, h, w) in the model's scale."""
        self.losses.append(loss.detach().cpu())
        if self.keep_last or self._chosen()[0] == iteration:
            self.kept = self._tile(x0)
        self.bar.update_absolute(iteration + 1, self.total, self._preview())
        values = ", ".join(f"{value:.5f}" for value in loss.tolist())
        self._say(f"iteration {iteration} of {self.total - 1}, loss {values}")

    def on_try(self, number: int) -> None:
        """Show that one first noise was tried."""
        self._say(f"tried {number + 1} first noises")

    def finish(self, latent: Tensor) -> None:
        """Show what is put out, (B, C, h, w) in the model's scale."""
        self.kept = self._tile(latent)
        self.bar.update_absolute(self.total, self.total, self._preview())

    def _chosen(self) -> Tensor:
        """Each image's iteration so far that would be put out, (B,)."""
        losses = torch.stack(self.losses)
        return (
            losses.new_full(losses.shape[1:], len(losses) - 1).long()
            if self.keep_last
            else (losses.argmin(0))
        )

    def _tile(self, latent: Tensor) -> Image.Image | None:
        """The first picture of latents as a preview shows it, None where previews are off."""
        if self.previewer is None:
            return None
        return self.previewer.decode_latent_to_preview(framed(self.form, latent[:1]))

    def sheet(self) -> Image.Image | None:
        """Source and what is kept, the loss below; None where previews are off."""
        if self.source is None or self.kept is None:
            return None
        height = round(_SIDE * self.source.height / self.source.width)
        curve = draw_curve(torch.stack(self.losses), self._chosen())
        curve = curve.resize((2 * _SIDE, round(2 * _SIDE * curve.height / curve.width)))
        made = Image.new("RGB", (2 * _SIDE, height + curve.height))
        for place, tile in enumerate((self.source, self.kept)):
            made.paste(tile.resize((_SIDE, height), Image.Resampling.BILINEAR), (place * _SIDE, 0))
        made.paste(curve, (0, height))
        return made

    def _preview(self) -> tuple | None:
        sheet = self.sheet()
        return None if sheet is None else ("JPEG", sheet, max(sheet.size))

    def _say(self, text: str) -> None:
        tell(self.node_id, f"{text}\n{self.note}" if self.note else text)
