"""A workflow drawn as its graph: thumbnails of those whose models are not run here."""

import colorsys
import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..server.client import ComfyClient
from ..workflows.recipes.titles import NODE_TITLES
from .cells import SIZE
from .thumbnails import save_small

HEADING, MARGIN, TITLE = 58, 12, 30
PAPER, INK, NOTES = "#f4f1ea", "#20242b", {"Note", "MarkdownNote"}


def tint(text: str, light: float, vivid: float) -> tuple[int, ...]:
    """A colour of the text's own."""
    hue = zlib.crc32(text.encode()) % 360 / 360
    return tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, light, vivid))


def draw_graph(client: ComfyClient, workflow: dict, path: Path) -> Path:
    """Write the drawing of a workflow file as `path`; returns it."""
    names = {key: info["display_name"] for key, info in client.object_info().items()}
    save_small(graph_drawing(workflow, path.stem.partition(" ")[2], names), path)
    return path


def graph_drawing(workflow: dict, title: str, names: dict[str, str]) -> Image.Image:
    """The nodes as boxes where they stand, wires between them, the title on top."""
    made = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, 0, SIZE[0], HEADING), fill=tint(title, 0.32, 0.5))
    draw.text((16, 10), title, font=ImageFont.load_default(28), fill="white")
    nodes = {n["id"]: n for n in workflow["nodes"] if n["type"] not in NOTES}
    boxes = scaled({key: bounds(node) for key, node in nodes.items()})
    for _, origin, _, target, _, _ in workflow["links"]:
        draw.line(wire(boxes[origin], boxes[target]), fill="#a9a395", width=2)
    font = ImageFont.load_default(12)
    for key, node in nodes.items():
        left, top, right, bottom = boxes[key]
        fill = tint(title, 0.82, 0.55) if node["type"] in NODE_TITLES else "#ffffff"
        draw.rounded_rectangle((left, top, right, max(bottom, top + 17)), 4, fill, "#8b8577")
        label = node.get("title") or names[node["type"]] or node["type"]
        shown = fitting(label, right - left - 6, font)
        draw.text((left + 4, top + 1), shown, fill=INK, font=font)
    return made


def bounds(node: dict) -> tuple[float, float, float, float]:
    (left, top), (width, height) = node["pos"], node["size"]
    return left, top - TITLE, left + width, top + height


def scaled(boxes: dict) -> dict:
    """The boxes moved and scaled, without a change of shape, to fill the space below the title."""
    left, top = (min(box[axis] for box in boxes.values()) for axis in (0, 1))
    right, bottom = (max(box[axis] for box in boxes.values()) for axis in (2, 3))
    width, height = SIZE[0] - 2 * MARGIN, SIZE[1] - HEADING - 2 * MARGIN
    across, down = width / (right - left), height / (bottom - top)
    return {
        key: (
            MARGIN + (box[0] - left) * across,
            HEADING + MARGIN + (box[1] - top) * down,
            MARGIN + (box[2] - left) * across,
            HEADING + MARGIN + (box[3] - top) * down,
        )
        for key, box in boxes.items()
    }


def wire(source: tuple, target: tuple) -> list[tuple[float, float]]:
    """From the right side of a box to the left side of another, bent as ComfyUI's wires are."""
    (x0, y0), (x1, y1) = (source[2], source[1] + 9), (target[0], target[1] + 9)
    bend = max(24, abs(x1 - x0) / 2)
    points = []
    for step in range(25):
        t = step / 24
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        x = a * x0 + b * (x0 + bend) + c * (x1 - bend) + d * x1
        points.append((x, (a + b) * y0 + (c + d) * y1))
    return points


def fitting(text: str, width: float, font) -> str:
    while text and font.getlength(text) > width:
        text = text[:-1]
    return text
