"""Every help page in the frontend's own panel, 300 pixels wide: nothing lies outside it."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.comfy_server import PACK_ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = [pytest.mark.server, pytest.mark.browser]

PAGES = sorted(path.stem for path in (PACK_ROOT / "web" / "docs").glob("*.md"))
WIDTH = 300
SELECT = """() => {
    const node = window.LiteGraph.createNode("BISSelect");
    node.pos = [400, 300];
    window.app.graph.add(node);
    window.app.canvas.selectNode(node);
}"""
OPEN = """(kind) => {
    const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
    const found = $pinia._s.get("nodeDef").nodeDefsByName[kind];
    $pinia._s.get("nodeHelp").openHelp(found);
}"""
"""As the frontend does where a help page is asked for."""
SHOWN = """(title) => {
    const panel = document.querySelector(".node-help-content");
    const picture = panel?.querySelector("img");
    return panel?.querySelector("h1")?.textContent.trim() === title
        && picture?.complete && picture.naturalWidth > 0;
}"""
OUTSIDE = """(width) => {
    const panel = document.querySelector(".node-help-content");
    Object.assign(panel.style, { width: `${width}px`, maxWidth: `${width}px`, flex: "none" });
    const edge = panel.getBoundingClientRect().right;
    const scrolls = (one) => Boolean(one.closest("pre"));
    const found = [...panel.querySelectorAll("*")].filter(
        (one) => !scrolls(one) && one.getBoundingClientRect().right > edge + 1);
    return found.map((one) => `${one.tagName}: ${one.textContent.slice(0, 60)}`);
}"""


def title_of(kind: str) -> str:
    path = PACK_ROOT / "web" / "docs" / f"{kind}.md"
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def test_every_page_can_be_read_in_the_narrow_panel(server: "ComfyServer", page: "Page"):
    page.evaluate(SELECT)
    page.get_by_test_id("info-button").or_(page.locator(".help-button")).first.click()
    page.locator(".node-help-content").wait_for(timeout=20_000)
    outside = {}
    for kind in PAGES:
        page.evaluate(OPEN, kind)
        page.wait_for_function(SHOWN, arg=title_of(kind), timeout=20_000)
        found = page.evaluate(OUTSIDE, WIDTH)
        if found:
            outside[kind] = found
    assert outside == {}
