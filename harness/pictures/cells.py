"""Labelled square tiles, and rows of them on a dark sheet: what thumbnails are made of."""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from .contact_sheet import ELECTED, PAPER

SIZE, GAP, STRIP = (640, 480), 4, 18


class Cell(NamedTuple):
    """One picture of the sheet with its label, none where it is empty; framed if elected."""

    picture: Image.Image
    label: str
    framed: bool = False


def sheet() -> Image.Image:
    return Image.new("RGB", SIZE, PAPER)


def drawn(cell: Cell, side: int, text: int = 12) -> Image.Image:
    """The cell as a square tile; text: size of the label in pixels."""
    tile = cell.picture.convert("RGB").resize((side, side), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(tile)
    if cell.label:
        font, strip = ImageFont.load_default(text), STRIP * text // 12
        width = draw.textlength(cell.label, font=font)
        draw.rectangle((0, side - strip, width + 10, side), fill=PAPER)
        draw.text((5, side - strip + text // 12), cell.label, font=font, fill="#e8e8e8")
    if cell.framed:
        draw.rectangle((0, 0, side - 1, side - 1), outline=ELECTED, width=text // 4)
    return tile


def paste_row(
    made: Image.Image,
    row: Sequence[Cell],
    side: int,
    top: int,
    left: int | None = None,
    text: int = 12,
) -> None:
    """Paste tiles beside each other: from `left` on, else spread over the whole width."""
    gap = GAP // 2 if left is not None else (made.width - len(row) * side) // (len(row) + 1)
    start = gap if left is None else left
    for place, cell in enumerate(row):
        made.paste(drawn(cell, side, text), (start + place * (side + gap), top))


def write_line(made: Image.Image, line: str, corner: tuple[int, int]) -> None:
    """A line of text on the sheet itself, from its upper left corner on."""
    font = ImageFont.load_default(12)
    ImageDraw.Draw(made).text(corner, line, font=font, fill="#e8e8e8")
