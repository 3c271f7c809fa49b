"""What the frontend shows around the gallery: its right panel, and its list of results."""

from typing import TYPE_CHECKING

import pytest

from .test_gallery import BOX, COUNT, ELECTION, PICKED, run_demo, tiles

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

STORES = "document.querySelector('#vue-app').__vue_app__.config.globalProperties.$pinia._s"
OPEN_PANEL = f"""async () => {{
    const panel = {STORES}.get("rightSidePanel");
    if (!panel) return false;
    const {{ canvas, graph }} = window.app;
    canvas.deselectAll();
    canvas.selectNode(graph.nodes.find((one) => one.type === "BISSelect"));
    panel.openPanel("parameters");
    await new Promise((done) => setTimeout(done, 1500));
    return true;
}}"""
CLOSE_PANEL = f"() => {STORES}.get('rightSidePanel').closePanel()"
GALLERIES = """() => [...document.querySelectorAll(".elect-gallery")].map((one) => ({
    seen: one.checkVisibility(),
    onNode: Boolean(one.closest(".lg-node, .dom-widget")),
}))"""
SHOW_RESULTS = """async () => {
    const { command } = window.app.extensionManager;
    await command.execute("Workspace.ToggleSidebarTab.assets");
    await new Promise((done) => setTimeout(done, 3000));
}"""
JOBS = "async () => (await fetch('/api/jobs')).status"
"""What the newer frontends read their list from."""
OF_NODES = """(title) => window.app.graph.nodes.filter((one) => one.title === title)
    .flatMap((one) => window.app.nodeOutputs[one.id].images.map((image) => image.filename))"""
LISTED = """() => [...document.querySelectorAll("img")]
    .filter((one) => !one.closest(".lg-node, .elect-gallery, .dom-widget"))
    .filter((one) => one.checkVisibility() && one.src.includes("filename="))
    .map((one) => new URL(one.src).searchParams.get("filename"))"""


@pytest.fixture(scope="module")
def page(tab: "Page") -> "Page":
    run_demo(tab)
    return tab


def test_the_open_right_panel_leaves_the_gallery_on_its_node(page: "Page"):
    before = page.locator(".elect-gallery").evaluate(BOX)
    if not page.evaluate(OPEN_PANEL):
        pytest.skip("this frontend has no right panel")
    assert [one["seen"] for one in page.evaluate(GALLERIES)] == [True]
    left, top, right, bottom = page.locator(".elect-gallery").evaluate(BOX)
    assert right - left == pytest.approx(before[2] - before[0], abs=2)
    assert bottom - top == pytest.approx(before[3] - before[1], abs=2)
    assert tiles(page).count() == COUNT
    seed = tiles(page).nth(1).get_attribute("data-seed")
    tiles(page).nth(1).click()
    assert page.evaluate(PICKED) == seed
    page.evaluate(CLOSE_PANEL)


def test_the_list_of_results_shows_the_edit_no_map_and_no_candidate(page: "Page"):
    """A newer list shows one picture a run: the first that was saved, else the first preview."""
    page.evaluate(SHOW_RESULTS)
    listed = page.evaluate(LISTED)
    page.evaluate(SHOW_RESULTS)
    if not listed and page.evaluate(JOBS) == 404:
        pytest.skip("this frontend lists what a newer ComfyUI tells")
    (edited,), (relevance,) = (
        page.evaluate(OF_NODES, "Edited"),
        page.evaluate(OF_NODES, "Relevance map"),
    )
    assert edited in listed
    assert relevance not in listed
    candidates = {one["filename"] for one in page.evaluate(ELECTION)["pictures"] if one}
    assert candidates
    assert candidates.isdisjoint(listed)
    assert page.errors == []  # type: ignore[attr-defined]
