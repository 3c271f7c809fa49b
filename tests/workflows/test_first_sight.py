"""How the example workflows look at first sight: titles, thumbnails, places, files to download."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageColor

from elect_tino.harness.author_workflows import FOLDER, path_of
from elect_tino.harness.pictures.graph import HEADING, PAPER, tint
from elect_tino.harness.workflows.arrangement import scale_of
from elect_tino.harness.workflows.recipes.titles import LARGER, TITLES, title_of
from elect_tino.harness.workflows.workflow import NOTES, load_workflow

FILES = sorted(FOLDER.glob("*.json"))
WEIGHTS = (".bin", ".ckpt", ".pt", ".safetensors")
NO_ADDRESS = {"instruct_diffusion"}
"""Checkpoints whose authors give a page with links, and no address of the file."""

every_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def real_nodes(path: Path) -> Iterator[dict]:
    return (node for node in load_workflow(path)["nodes"] if node["type"] not in NOTES)


def test_file_names_are_titles_those_without_a_download_first():
    titled = [path for path in FILES if path.stem[0].isdigit()]
    assert {path.stem for path in titled} == set(TITLES.values())
    assert [path.stem[:3] for path in titled] == [f"{k:02} " for k in range(1, len(titled) + 1)]
    free = ["EmbeddedModelLoader" in path.read_text(encoding="utf-8") for path in FILES]
    assert free == sorted(free, reverse=True)
    assert free == [path.stem.endswith(", no download") for path in FILES]


READABLE = 0.55
"""The scale below which the older frontend draws no text on nodes."""
APART = 4.0
"""Mean difference of two thumbnails' grey values at which one can be told from the other."""


def thumbnail_of(path: Path) -> bytes:
    with Image.open(path.with_suffix(".jpg")) as image:
        return image.convert("L").resize((64, 48)).tobytes()


@every_file
def test_has_a_small_thumbnail(path: Path):
    thumbnail = path.with_suffix(".jpg")
    assert thumbnail.stat().st_size < 60_000
    with Image.open(thumbnail) as image:
        assert image.format == "JPEG"
        assert 1.2 <= image.width / image.height <= 1.5


def edges(workflow: dict) -> tuple[float, float]:
    """Width and height of what a workflow shows, titles included."""
    left, top = (min(n["pos"][axis] for n in workflow["nodes"]) for axis in (0, 1))
    right, bottom = (max(n["pos"][k] + n["size"][k] for n in workflow["nodes"]) for k in (0, 1))
    return right - left, bottom - top + 30


@every_file
def test_is_seen_as_a_whole_with_one_note(path: Path):
    workflow = load_workflow(path)
    (note,) = [node for node in workflow["nodes"] if node["type"] == "MarkdownNote"]
    assert note["widgets_values"][0].strip()
    assert len(workflow["groups"]) >= 4
    assert "ds" not in workflow["extra"]
    width, height = edges(workflow)
    assert width < 1750
    if path.stem not in map(title_of, LARGER):
        assert scale_of(width, height) > READABLE


@every_file
def test_no_node_lies_on_another(path: Path):
    boxes = [
        (n["pos"][0], n["pos"][1] - 30, n["pos"][0] + n["size"][0], n["pos"][1] + n["size"][1])
        for n in load_workflow(path)["nodes"]
    ]
    for place, a in enumerate(boxes):
        for b in boxes[:place]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_what_cannot_be_downloaded_at_a_click_is_listed_whole():
    """Each file by its place below `models`, in the template's note."""
    needed = {
        "instruct_diffusion": "checkpoints/v1-5-pruned-emaonly-adaption-task-humanalign.ckpt",
        "magicbrush": "diffusion_models/magicbrush-jul7.bin text_encoders/clip_l.safetensors "
        "vae/vae-ft-mse-840000-ema-pruned.safetensors",
        "mgie": "diffusion_models/mgie_unet.pt mgie/mllm.pt mgie/LLaVA-Lightning-7B-v1/ "
        "mgie/clip-vit-large-patch14/ vae/vae-ft-mse-840000-ema-pruned.safetensors",
    }
    for name, files in needed.items():
        nodes = load_workflow(path_of(name))["nodes"]
        (note,) = [n["widgets_values"][0] for n in nodes if n["type"] in NOTES]
        assert [one for one in files.split() if f"`models/{one}`" not in note] == []
        named = [v for n in nodes if n["type"] not in NOTES for v in n.get("widgets_values", [])]
        for value in (str(v) for v in named if Path(str(v)).suffix in WEIGHTS):
            assert any(one.endswith(f"/{value}") for one in files.split()), value


@every_file
def test_checkpoints_say_where_to_download_them(path: Path):
    for node in real_nodes(path):
        if node["type"] == "CheckpointLoaderSimple" and path.stem not in map(title_of, NO_ADDRESS):
            (model,) = node["properties"]["models"]
            assert model["name"] == node["widgets_values"][0]
            assert model["url"].startswith("https://")
            assert model["url"].endswith("/" + model["name"])
            assert model["directory"] == "checkpoints"


@every_file
def test_every_address_is_one_that_the_missing_model_dialog_fetches(path: Path):
    """Others it lists with an error in the place of a button."""
    for node in real_nodes(path):
        for model in node["properties"].get("models", []):
            assert model["name"].endswith((".safetensors", ".sft"))
            assert model["url"].startswith("https://huggingface.co/")


@every_file
def test_the_result_is_what_the_queue_shows(path: Path):
    """Lists of results show one picture a run: the first that was saved, or the lowest node's."""
    saved, shown = (
        [node for node in real_nodes(path) if node["type"] == kind]
        for kind in ("SaveImage", "PreviewImage")
    )
    assert [node["title"] for node in saved] == ["Edited"]
    assert all(saved[0]["id"] < node["id"] for node in shown)


@every_file
def test_a_thumbnail_that_is_drawn_is_of_its_own_graph(path: Path):
    """Under a heading in its title's colour, on paper; the others are results of real runs."""
    if "EmbeddedModelLoader" in path.read_text(encoding="utf-8"):
        pytest.skip("a real result")
    with Image.open(path.with_suffix(".jpg")) as image:
        pixels: list[Any] = [image.convert("RGB").getpixel((630, y)) for y in (5, HEADING + 6)]
    wanted = tint(path.stem.partition(" ")[2], 0.32, 0.5), ImageColor.getrgb(PAPER)
    for found, colour in zip(pixels, wanted, strict=True):
        assert all(abs(a - b) < 12 for a, b in zip(found, colour, strict=True))


def test_no_two_thumbnails_of_results_are_nearly_one_picture():
    """A result's thumbnail shows what its workflow is for, beside what it edits."""
    free = [path for path in FILES if path.stem.endswith(", no download")]
    small = {path.stem: thumbnail_of(path) for path in free}
    for a, b in combinations(free, 2):
        apart = sum(abs(x - y) for x, y in zip(small[a.stem], small[b.stem], strict=True))
        assert apart / len(small[a.stem]) > APART, (a.stem, b.stem)
