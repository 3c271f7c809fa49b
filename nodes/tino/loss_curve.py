"""The loss over the iterations, or of each first noise, as a picture."""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..host.tino.optimising import Found

_WIDTH, _HEIGHT, _MARGIN = 640, 360, 52
_COLOURS = ("#4ea1ff", "#ffb14e", "#7bd88f", "#ff6b8b", "#c792ea", "#e8e8e8")


def loss_curve(everything: Found) -> Tensor:
    """`draw_curve` as IMAGE (1, H, W, 3): of the tries where there was no update."""
    found, election = everything.optimised, everything.election
    if election is not None and len(found.losses) == 1:
        drawn = draw_curve(election.losses, election.elected, "first noise", joined=False)
    else:
        drawn = draw_curve(found.losses, found.chosen)
    return torch.from_numpy(np.array(drawn)).float()[None] / 255


def draw_curve(
    losses: Tensor, chosen: Tensor, what: str = "iteration", joined: bool = True
) -> Image.Image:
    """One line (or row of points) an image, a dot at the one that was chosen.

    losses (W + 1, B), chosen (B,)
    """
    values = losses.double().cpu().numpy()
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 1.0
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT), "#1e1e1e")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    inner = (_WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN)

    def place(iteration: int, value: float) -> tuple[float, float]:
        x = _MARGIN + inner[0] * iteration / max(1, len(values) - 1)
        return x, _MARGIN + inner[1] * (high - value) / span

    frame = (_MARGIN, _MARGIN, _MARGIN + inner[0], _MARGIN + inner[1])
    draw.rectangle(frame, outline="#555555")
    for image, colour in zip(range(values.shape[1]), _COLOURS * values.shape[1], strict=False):
        line = [place(i, value) for i, value in enumerate(values[:, image])]
        if joined:
            draw.line(line, fill=colour, width=2)
        else:
            for x, y in line:
                draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
        x, y = line[int(chosen[image])]
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
    for text, at in ((f"{high:.4g}", _MARGIN), (f"{low:.4g}", _MARGIN + inner[1])):
        draw.text((_MARGIN - 4, at), text, font=font, fill="#e8e8e8", anchor="rm")
    draw.text((_WIDTH / 2, 22), "loss", font=font, fill="#e8e8e8", anchor="mm")
    label = f"{what}, 0 to {len(values) - 1}"
    draw.text((_WIDTH / 2, _HEIGHT - 22), label, font=font, fill="#e8e8e8", anchor="mm")
    return sheet
