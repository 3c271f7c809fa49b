"""All candidates on one picture: best first, each with its rank, seed and score under it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

CELL, CAPTION, MARGIN, BORDER = 160, 40, 10, 4
PAPER, INK, ELECTED = (24, 24, 27), (228, 228, 231), (74, 222, 128)


@dataclass(frozen=True)
class Candidate:
    """One cell of the sheet; a score of None stands for a candidate that could not be scored."""

    image: Image.Image
    seed: int
    score: float | None
    elected: bool = False


def contact_sheet(candidates: Sequence[Candidate]) -> Image.Image:
    """Candidates in the given order, in a grid that is about as wide as it is high."""
    if not candidates:
        raise ValueError("a contact sheet needs at least one candidate, got none")
    columns = math.ceil(math.sqrt(len(candidates)))
    rows = math.ceil(len(candidates) / columns)
    width = columns * (CELL + MARGIN) + MARGIN
    sheet = Image.new("RGB", (width, rows * (CELL + CAPTION + MARGIN) + MARGIN), PAPER)
    for index, candidate in enumerate(candidates):
        row, column = divmod(index, columns)
        left = MARGIN + column * (CELL + MARGIN)
        top = MARGIN + row * (CELL + CAPTION + MARGIN)
        draw_cell(sheet, candidate, index + 1, left, top)
    return sheet


def draw_cell(sheet: Image.Image, candidate: Candidate, rank: int, left: int, top: int) -> None:
    picture = candidate.image.convert("RGB")
    scale = CELL / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(picture, (left + (CELL - size[0]) // 2, top + (CELL - size[1]) // 2))
    draw = ImageDraw.Draw(sheet)
    if candidate.elected:
        box = (left - BORDER, top - BORDER, left + CELL + BORDER - 1, top + CELL + BORDER - 1)
        draw.rectangle(box, outline=ELECTED, width=BORDER)
    score = "no score" if candidate.score is None else f"{candidate.score:.4g}"
    color = ELECTED if candidate.elected else INK
    font = ImageFont.load_default(size=13)
    draw.text((left, top + CELL + 6), f"{rank}. seed {candidate.seed}", color, font=font)
    draw.text((left, top + CELL + 22), f"BIS {score}", color, font=font)
