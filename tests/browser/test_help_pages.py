"""Every help page in the frontend's own panel, 300 pixels wide: nothing lies outside it."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.comfy_server import PACK_ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

PAGES = sorted(path.stem for path in (PACK_ROOT / "web" / "docs").glob("*.md"))
WIDTH = 300
OPEN = """async (kind) => {
    const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
    const { canvas, graph } = window.app;
    graph.clear();
    const node = window.LiteGraph.createNode(kind);
    node.pos = [400, 300];
    graph.add(node);
    canvas.deselectAll?.();
    canvas.selectNode(node);
    await new Promise((done) => setTimeout(done, 200));
    const panel = $pinia._s.get("rightSidePanel");
    if (panel) return panel.openPanel("info");
    if (!document.querySelector(".node-help-content"))
        await document.querySelector("[data-testid=info-button], .help-button").click();
    const found = $pinia._s.get("nodeDef").nodeDefsByName[kind];
    $pinia._s.get("nodeHelp").openHelp(found);
}"""
"""As the frontends do where a node's help page is asked for: the newer one's is in a panel."""
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


@pytest.mark.parametrize(
    "tab", [("host", "classic"), ("newest", "classic")], indirect=True, ids=["host", "newest"]
)
def test_every_page_can_be_read_in_the_narrow_panel(tab: "Page"):
    outside = {}
    for kind in PAGES:
        tab.evaluate(OPEN, kind)
        tab.wait_for_function(SHOWN, arg=title_of(kind), timeout=30_000)
        found = tab.evaluate(OUTSIDE, WIDTH)
        if found:
            outside[kind] = found
    assert outside == {}
    assert tab.errors == []  # type: ignore[attr-defined]
