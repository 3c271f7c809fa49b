"""A workflow's thumbnail: what a real run of it made, on one sheet."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from ...embedded.world import examples
from ..server.client import ComfyClient
from ..server.comfy_server import ComfyServer
from ..workflows.stand_in import EXAMPLES, SOURCE, stand_in, upload_picture
from ..workflows.summary import nodes_of, saved_images
from ..workflows.workflow import to_prompt
from .contact_sheet import ELECTED, PAPER

SIZE, GAP, STRIP = (640, 480), 4, 18
MOST_BYTES = 60_000


class Cell(NamedTuple):
    """One picture of the sheet with its label; framed if it is the elected one."""

    picture: Image.Image
    label: str
    framed: bool = False


def make_thumbnail(client: ComfyClient, name: str, workflow: dict, folder: Path) -> Path:
    """Run the workflow on the embedded model and write `<name>.jpg`; returns its path."""
    with tempfile.TemporaryDirectory() as scratch:
        picture = upload_picture(client, Path(scratch))
    prompt = stand_in(to_prompt(workflow, client.object_info()), picture)
    entry = client.run(prompt, timeout=1800)
    path = folder / f"{name}.jpg"
    elects = any("elect" in out for out in entry["outputs"].values())
    drawn_sheet = (
        sheet(cells(client, prompt, entry)) if elects else tino_sheet(client, prompt, entry)
    )
    save_small(drawn_sheet, path)
    return path


def draw_graphs(server: ComfyServer, workflows: dict[str, dict], folder: Path) -> None:
    """`<name>.jpg` of workflows that cannot be run here: how the frontend draws their graphs."""
    from .screenshot import frontend, graph_picture

    width, height = SIZE
    with frontend(server, {"width": 2 * width, "height": 2 * height}) as page:
        for name, workflow in workflows.items():
            picture = graph_picture(page, workflow).convert("RGB")
            save_small(picture.resize(SIZE, Image.Resampling.LANCZOS), folder / f"{name}.jpg")


def cells(client: ComfyClient, prompt: dict, entry: dict) -> list[Cell]:
    """Source, relevance map where there is one, result, and every candidate's estimate by rank."""
    saved = saved_images(prompt, entry)
    named = {
        "relevance map" if "relevance" in prefix else "elected": client.picture(file)
        for prefix, file in saved.items()
    }
    (shown,) = [out for out in entry["outputs"].values() if "elect" in out]
    facts = shown["elect"][0]
    found = [Cell(Image.open(SOURCE), "source")]
    found += [
        Cell(named[label], label, label == "elected") for label in sorted(named, reverse=True)
    ]
    for place, index in enumerate(facts["order"]):
        estimate = client.picture(shown["elect_images"][index])
        label = f"{place + 1}  BIS {facts['scores'][index]:.3f}"
        found.append(Cell(estimate, label, index == facts["elected"]))
    return found


def tino_sheet(client: ComfyClient, prompt: dict, entry: dict) -> Image.Image:
    """Source, what else the workflow shows and the edit in a row, the loss curve below."""
    saved = {prefix.split("/")[1]: file for prefix, file in saved_images(prompt, entry).items()}
    curve, edited = client.picture(saved.pop("loss_curve")), client.picture(saved.pop("edited"))
    first = next(node for _, node in nodes_of(prompt, "EmbeddedExample"))
    source = Image.open(EXAMPLES / examples.index()[first["inputs"]["example"]]["source"])
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


def sheet(pictures: list[Cell]) -> Image.Image:
    """The pictures in a grid that fills about 4:3."""
    columns = 4 if len(pictures) <= 12 else 5
    rows = -(-len(pictures) // columns)
    side = (SIZE[0] - GAP) // columns - GAP
    made = Image.new("RGB", (SIZE[0], rows * (side + GAP) + GAP), PAPER)
    for index, cell in enumerate(pictures):
        row, column = divmod(index, columns)
        made.paste(drawn(cell, side), (GAP + column * (side + GAP), GAP + row * (side + GAP)))
    return made


def drawn(cell: Cell, side: int) -> Image.Image:
    tile = cell.picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(tile)
    font = ImageFont.load_default(12)
    width = draw.textlength(cell.label, font=font)
    draw.rectangle((0, side - STRIP, width + 10, side), fill=PAPER)
    draw.text((5, side - STRIP + 1), cell.label, font=font, fill="#e8e8e8")
    if cell.framed:
        draw.rectangle((0, 0, side - 1, side - 1), outline=ELECTED, width=3)
    return tile


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a JPEG of the best quality that stays below the limit."""
    for quality in range(90, 40, -5):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return
    raise ValueError(f"{path.name} is {path.stat().st_size} bytes, expected under {MOST_BYTES}")
