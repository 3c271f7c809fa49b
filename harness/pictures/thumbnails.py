"""A workflow's thumbnail: what a real run of it made, on one sheet."""

import tempfile
from pathlib import Path

from PIL import Image

from ...embedded.world import examples
from ..server.client import ComfyClient
from ..workflows.stand_in import EXAMPLES, stand_in, upload_picture
from ..workflows.summary import instruction_of, nodes_of, saved_images, shown_images
from ..workflows.workflow import to_prompt
from .cells import GAP, SIZE, Cell, paste_row, sheet
from .election_sheets import Election, election_sheet

MOST_BYTES, LARGE = 60_000, 316


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


def example_of(prompt: dict, kind: str = "source") -> Image.Image:
    """The example that the workflow edits, or its mask."""
    first = next(node for _, node in nodes_of(prompt, "EmbeddedExample"))
    return Image.open(EXAMPLES / examples.index()[first["inputs"]["example"]][kind])


def elect_sheet(client: ComfyClient, prompt: dict, entry: dict) -> Image.Image:
    """What was elected and from what, as the workflow's nodes ask for."""
    saved = saved_images(prompt, entry)
    edited = next(file for prefix, file in saved.items() if "edited" in prefix)
    (shown,) = [out for out in entry["outputs"].values() if "elect" in out]
    facts = shown["elect"][0]
    return election_sheet(
        Election(
            prompt,
            instruction_of(prompt),
            example_of(prompt),
            example_of(prompt, "mask"),
            client.picture(edited),
            [client.picture(file) for file in facts["pictures"]["candidates"]],
            facts,
        )
    )


def tino_sheet(client: ComfyClient, prompt: dict, entry: dict) -> Image.Image:
    """What the edit starts from or goes towards and the edit large, source and loss below."""
    pictures = {
        name.split("/")[-1].lower(): client.picture(file)
        for name, file in shown_images(prompt, entry).items()
    }
    curve, edited = pictures.pop("loss curve"), pictures.pop("edited")
    source = Cell(example_of(prompt), "source")
    shown = [Cell(picture, label) for label, picture in pictures.items()]
    large = [*(shown[:1] or [source]), Cell(edited, "edited", True)]
    below = [source, *shown[1:]] if shown else []
    made, side = sheet(), SIZE[1] - LARGE - 3 * GAP
    paste_row(made, large, LARGE, GAP)
    paste_row(made, below, side, LARGE + 2 * GAP, left=GAP)
    width = round(curve.width * side / curve.height)
    small = curve.convert("RGB").resize((width, side), Image.Resampling.LANCZOS)
    free = len(below) * (side + GAP)
    made.paste(small, (free + (SIZE[0] - free - width) // 2, LARGE + 2 * GAP))
    return made


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a JPEG of the best quality that stays below the limit."""
    for quality in range(90, 40, -5):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return
    raise ValueError(f"{path.name} is {path.stat().st_size} bytes, expected under {MOST_BYTES}")
