"""The gallery outlasts what people do with tabs and nodes, and holds as many tiles as it may."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.workflows.workflow import set_widgets

from .test_gallery import BOX, COUNT, LOAD, PICKED, RUN, demo, tiles, wait_for_end

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

MANY = 64
COMMAND = """async (name) => {
    await window.app.extensionManager.command.execute(name);
    await new Promise((done) => setTimeout(done, 1000));
}"""
COPY = """async () => {
    const { canvas, graph } = window.app;
    canvas.deselectAll();
    canvas.selectNode(graph.nodes.find((one) => one.type === "BISSelect"));
    canvas.copyToClipboard();
    canvas.pasteFromClipboard();
    await new Promise((done) => setTimeout(done, 1000));
    const [first, copy] = graph.nodes.filter((one) => one.type === "BISSelect");
    window.copied = copy.id;
    copy.properties.elect_gallery.seeds[0] = "another";
    return [first, copy].map((one) => one.properties.elect_gallery.seeds);
}"""
IN_AND_OUT = """async () => {
    const { canvas, graph } = window.app;
    const wait = () => new Promise((done) => setTimeout(done, 1500));
    const shown = () => [...document.querySelectorAll(".elect-gallery")]
        .filter((one) => one.checkVisibility())
        .map((one) => one.querySelectorAll(".elect-tile[data-seed]").length);
    graph.remove(graph.getNodeById(window.copied));
    const chooser = graph.nodes.find((one) => one.type === "BISSelect");
    const { subgraph, node } = graph.convertToSubgraph(new Set([chooser]));
    await wait();
    canvas.openSubgraph(subgraph, node);
    await wait();
    const inside = shown();
    canvas.setGraph(graph);
    await wait();
    graph.unpackSubgraph(graph.nodes.find((one) => one.subgraph));
    await wait();
    return [inside, shown()];
}"""


@pytest.fixture(scope="module")
def page(tab: "Page") -> "Page":
    """The demo, whose run ended while another workflow's tab was open."""
    tab.evaluate(LOAD, demo(first_seed=3000))
    tab.evaluate(RUN)
    tab.evaluate(COMMAND, "Comfy.NewBlankWorkflow")
    assert tab.locator(".elect-gallery:visible").count() == 0
    wait_for_end(tab)
    tab.evaluate(COMMAND, "Workspace.PreviousOpenedWorkflow")
    tab.wait_for_function("() => window.app.graph.nodes.length > 0", timeout=30_000)
    return tab


def test_what_ended_behind_another_tab_is_shown_on_the_way_back(page: "Page"):
    tiles(page).nth(COUNT - 1).wait_for(timeout=30_000)
    assert tiles(page).count() == COUNT
    assert page.locator(".elect-tile[data-seed]:visible").count() == COUNT


def test_a_copy_has_a_gallery_of_its_own(page: "Page"):
    first, copy = page.evaluate(COPY)
    assert len(first) == len(copy) == COUNT
    assert first[1:] == copy[1:]
    assert first[0] != "another"


def test_it_goes_into_a_subgraph_and_comes_out_again(page: "Page"):
    assert page.evaluate(IN_AND_OUT) == [[COUNT], [COUNT]]
    assert page.errors == []  # type: ignore[attr-defined]


def test_64_candidates_scroll_within_the_node_and_the_last_is_chosen_by_keys(page: "Page"):
    workflow = demo(first_seed=4000)
    set_widgets(workflow, "MultiSeedPartialSampler", {2: MANY})
    page.evaluate(LOAD, workflow)
    page.evaluate(RUN)
    page.wait_for_function("() => window.ends >= 1", timeout=400_000)  # a busy machine
    tiles(page).nth(MANY - 1).wait_for(state="attached", timeout=30_000)
    assert tiles(page).count() == MANY
    gallery = page.locator(".elect-gallery:visible")
    assert gallery.evaluate("(one) => one.scrollHeight > one.clientHeight")
    tiles(page).first.focus()
    page.keyboard.press("End")
    last = tiles(page).nth(MANY - 1)
    left, top, right, bottom = gallery.evaluate(BOX)
    box = last.evaluate(BOX)
    assert left <= box[0] < box[2] <= right
    assert top <= box[1] < box[3] <= bottom + 1
    page.keyboard.press("Enter")
    assert page.evaluate(PICKED) == last.get_attribute("data-seed")
