"""All candidates on one picture, best first, the elected one framed."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

MARGIN, BORDER = 12, 6
PAPER, ELECTED = (24, 24, 27), (74, 222, 128)


def contact_sheet(pictures: Sequence[Image.Image], elected: int | None = None) -> Image.Image:
    """Pictures in the given order, in a grid that is about as wide as it is high.

    pictures: labelled already, of about one size; elected: index of the one to frame
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture, got none")
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width = max(picture.width for picture in pictures) + MARGIN
    height = max(picture.height for picture in pictures) + MARGIN
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + MARGIN), PAPER)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        corner = (MARGIN + column * width, MARGIN + row * height)
        sheet.paste(picture.convert("RGB"), corner)
        if index == elected:
            frame(sheet, corner, picture.size)
    return sheet


def frame(sheet: Image.Image, corner: tuple[int, int], size: tuple[int, int]) -> None:
    (left, top), (width, height) = corner, size
    box = (left - BORDER, top - BORDER, left + width + BORDER - 1, top + height + BORDER - 1)
    ImageDraw.Draw(sheet).rectangle(box, outline=ELECTED, width=BORDER)
