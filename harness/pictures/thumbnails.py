"""A workflow's thumbnail: what a real run of it made, on one sheet."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from ...embedded.world import examples
from ..server.client import ComfyClient
from ..workflows.stand_in import EXAMPLES, stand_in, upload_picture
from ..workflows.summary import instruction_of, nodes_of, saved_images
from ..workflows.workflow import to_prompt
from .contact_sheet import ELECTED, PAPER

SIZE, GAP, STRIP = (640, 480), 4, 18
STRIP_TILES = 5
MOST_BYTES = 60_000


class Cell(NamedTuple):
    """One picture of the sheet with its label; framed if it is the elected one."""

    picture: Image.Image
    label: str
    framed: bool = False


def make_thumbnail(client: ComfyClient, workflow: dict, path: Path) -> Path:
    """Run the workflow on the embedded model and write its picture as `path`; returns it."""
    with tempfile.TemporaryDirectory() as scratch:
        picture = upload_picture(client, Path(scratch))
    prompt = stand_in(to_prompt(workflow, client.object_info()), picture)
    entry = client.run(prompt, timeout=1800)
    elects = any("elect" in out for out in entry["outputs"].values())
    draw = elect_sheet if elects else tino_sheet
    save_small(draw(client, prompt, entry), path)
    return path


def source_of(prompt: dict) -> Image.Image:
    """The example that the workflow edits."""
    first = next(node for _, node in nodes_of(prompt, "EmbeddedExample"))
    return Image.open(EXAMPLES / examples.index()[first["inputs"]["example"]]["source"])


def elect_sheet(client: ComfyClient, prompt: dict, entry: dict) -> Image.Image:
    """Before and after large, and below them candidates from the best to the worst."""
    saved = saved_images(prompt, entry)
    edited = next(file for prefix, file in saved.items() if "edited" in prefix)
    (shown,) = [out for out in entry["outputs"].values() if "elect" in out]
    facts, order = shown["elect"][0], shown["elect"][0]["order"]
    large = [
        Cell(source_of(prompt), f"before: {instruction_of(prompt)}"),
        Cell(client.picture(edited), f"after: the best of {len(order)}", True),
    ]
    places = [round(k * (len(order) - 1) / (STRIP_TILES - 1)) for k in range(STRIP_TILES)]
    strip = [
        Cell(
            client.picture(facts["pictures"]["candidates"][order[place]]),
            f"{place + 1}: {facts['scores'][order[place]]:.3f}",
            order[place] == facts["elected"],
        )
        for place in places
    ]
    made = Image.new("RGB", SIZE, PAPER)
    for row, side, top in ((large, 316, GAP), (strip, 124, 340)):
        gap = (SIZE[0] - len(row) * side) // (len(row) + 1)
        for place, cell in enumerate(row):
            made.paste(drawn(cell, side), (gap + place * (side + gap), top))
    return made


def tino_sheet(client: ComfyClient, prompt: dict, entry: dict) -> Image.Image:
    """Source, what else the workflow shows and the edit in a row, the loss curve below."""
    saved = {prefix.split("/")[1]: file for prefix, file in saved_images(prompt, entry).items()}
    curve, edited = client.picture(saved.pop("loss_curve")), client.picture(saved.pop("edited"))
    source = source_of(prompt)
    others = [Cell(client.picture(file), label) for label, file in saved.items()]
    row = [Cell(source, "source"), *others, Cell(edited, "edited", True)]
    side = min(236, (SIZE[0] - GAP) // len(row) - GAP)
    made = Image.new("RGB", SIZE, PAPER)
    left = (SIZE[0] - len(row) * (side + GAP) + GAP) // 2
    for place, cell in enumerate(row):
        made.paste(drawn(cell, side), (left + place * (side + GAP), GAP))
    height = SIZE[1] - side - 3 * GAP
    width = round(curve.width * height / curve.height)
    small = curve.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    made.paste(small, ((SIZE[0] - width) // 2, side + 2 * GAP))
    return made


def drawn(cell: Cell, side: int, text: int = 12) -> Image.Image:
    """The cell as a square tile; text: size of the label in pixels."""
    tile = cell.picture.convert("RGB").resize((side, side), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(tile)
    font, strip = ImageFont.load_default(text), STRIP * text // 12
    width = draw.textlength(cell.label, font=font)
    draw.rectangle((0, side - strip, width + 10, side), fill=PAPER)
    draw.text((5, side - strip + text // 12), cell.label, font=font, fill="#e8e8e8")
    if cell.framed:
        draw.rectangle((0, 0, side - 1, side - 1), outline=ELECTED, width=text // 4)
    return tile


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a JPEG of the best quality that stays below the limit."""
    for quality in range(90, 40, -5):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return
    raise ValueError(f"{path.name} is {path.stat().st_size} bytes, expected under {MOST_BYTES}")
