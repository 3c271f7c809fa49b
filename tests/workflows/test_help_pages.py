"""Every node of the pack has a help page that speaks of all its inputs and outputs."""

import re
from pathlib import Path

import pytest
from PIL import Image

from elect_tino.harness.server.comfy_server import PACK_LINK, PACK_ROOT
from elect_tino.harness.workflows.recipes.titles import TITLES

pytestmark = pytest.mark.server

PAGES = PACK_ROOT / "web" / "docs"
NUM_NODES = 19


@pytest.fixture
def own_nodes(object_info: dict) -> dict[str, dict]:
    """Our node types: those that ComfyUI says come from this pack's folder."""
    return {
        node_id: info
        for node_id, info in object_info.items()
        if info["python_module"].endswith(PACK_LINK)
    }


def page(node_id: str) -> str:
    return (PAGES / f"{node_id}.md").read_text(encoding="utf-8")


def test_every_node_has_a_page_and_every_page_a_node(own_nodes: dict[str, dict]):
    assert len(own_nodes) >= NUM_NODES
    assert {path.stem for path in PAGES.glob("*.md")} == set(own_nodes)


def test_pages_name_every_input_and_output(own_nodes: dict[str, dict]):
    for node_id, info in own_nodes.items():
        text = page(node_id)
        names = [name for kind in ("required", "optional") for name in info["input"].get(kind, {})]
        missing = [name for name in [*names, *info["output_name"]] if f"`{name}`" not in text]
        assert missing == [], node_id


def test_pages_open_with_the_name_the_frontend_shows(own_nodes: dict[str, dict]):
    for node_id, info in own_nodes.items():
        assert page(node_id).splitlines()[0] == f"# {info['display_name']}"


def test_every_input_has_a_tooltip(own_nodes: dict[str, dict]):
    bare = [
        f"{node_id}.{name}"
        for node_id, info in own_nodes.items()
        for kind in ("required", "optional")
        for name, spec in info["input"].get(kind, {}).items()
        if not (len(spec) > 1 and spec[1].get("tooltip"))
    ]
    assert bare == []


def test_pages_name_only_workflows_that_exist():
    existing = {path.stem for path in (PACK_ROOT / "workflows").glob("*.json")}
    texts = [Path(path).read_text(encoding="utf-8") for path in PAGES.glob("*.md")]
    named = {" ".join(t.split()) for text in texts for t in re.findall(r"\*(\d\d [^*]+)\*", text)}
    assert named
    assert named <= existing
    assert not [name for name in TITLES for text in texts if f"*{name}*" in text]


def test_pages_have_lists_and_no_tables():
    """The panel is 300 pixels wide: the last column of a table lies outside it."""
    for path in PAGES.glob("*.md"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith("|")], path.stem


def test_every_page_has_a_picture_of_its_node():
    """Made by harness/pictures/help_pictures.py."""
    for path in PAGES.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        (source,) = re.findall(r"^!\[[^\]]+\]\((images/[^)]+)\)$", text, re.M)
        picture = PAGES / source
        assert picture.stem == path.stem
        assert picture.stat().st_size < 90_000
        with Image.open(picture) as image:
            assert image.width >= 250
    assert {p.stem for p in (PAGES / "images").iterdir()} == {p.stem for p in PAGES.glob("*.md")}
