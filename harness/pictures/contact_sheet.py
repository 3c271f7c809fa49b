"""All candidates on one picture, best first, the elected one framed."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MARGIN, BORDER = 12, 6
SIDE, STRIP = 384, 44
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


def labelled(picture: Image.Image, label: str) -> Image.Image:
    """The picture, scaled to fit, above a strip with up to two lines of text."""
    scale = SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    made = Image.new("RGB", (size[0], size[1] + STRIP), "#1e1e1e")
    made.paste(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    font = ImageFont.load_default(15)
    ImageDraw.Draw(made).multiline_text((6, size[1] + 4), label, font=font, fill="#e8e8e8")
    return made


def frame(sheet: Image.Image, corner: tuple[int, int], size: tuple[int, int]) -> None:
    (left, top), (width, height) = corner, size
    box = (left - BORDER, top - BORDER, left + width + BORDER - 1, top + height + BORDER - 1)
    ImageDraw.Draw(sheet).rectangle(box, outline=ELECTED, width=BORDER)
