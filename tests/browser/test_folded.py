"""Inputs that few need are folded away in the classic canvas too, and come back at a click."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

ADD = """async (kind) => {
    const { app } = window;
    app.graph.clear();
    // Else Nodes 2.0 keep what they draw, for a new node of the same number.
    await new Promise((done) => setTimeout(done, 500));
    const node = window.LiteGraph.createNode(kind);
    node.pos = [300, 120];
    app.graph.add(node);
    const view = app.canvas.ds;
    view.scale = 1;
    view.offset[0] = 0;
    view.offset[1] = 0;
    app.canvas.setDirty(true, true);
    await new Promise((done) => setTimeout(done, 700));
    window.added = node;
}"""
ROWS = """() => window.added.widgets.map((one) => ({
    name: one.name,
    y: one.y,
    height: one.computedHeight,
    seen: window.added.isWidgetVisible(one),
    advanced: Boolean(one.options?.advanced),
    saved: one.serialize !== false,
}))"""
PRESS = """async () => {
    window.added.widgets.find((one) => one.name === "elect_more").callback();
    await new Promise((done) => setTimeout(done, 700));
}"""
WIRE = """async (name) => {
    const { added, app } = window;
    const number = window.LiteGraph.createNode("PrimitiveFloat");
    number.pos = [20, 120];
    app.graph.add(number);
    number.connect(0, added, added.inputs.findIndex((one) => one.name === name));
    await new Promise((done) => setTimeout(done, 700));
}"""
ROUND = """async () => {
    const { app } = window;
    for (const [place, widget] of window.added.widgets.entries()) {
        if (widget.serialize !== false && typeof widget.value === "number") widget.value = place;
    }
    const values = () => app.graph.nodes.find((one) => one.widgets?.length > 3).widgets
        .filter((one) => one.serialize !== false).map((one) => [one.name, one.value]);
    const before = values();
    await app.loadGraphData(app.graph.serialize());
    return [before, values()];
}"""
SEEN_ROWS = """() => {
    const own = `[data-node-id="${window.added.id}"]`;
    const rows = [...document.querySelectorAll(`${own} .lg-node-widget`)];
    const texts = rows.filter((one) => one.checkVisibility()).map((one) => one.textContent.trim());
    const named = (text, name) => text === name || text.startsWith(name);
    return window.added.widgets.map((one) => one.name)
        .filter((name) => texts.some((text) => named(text, name)));
}"""
TOP = "(one) => one.getBoundingClientRect().top"
MOVED = f"(top) => ({TOP})(document.querySelector('.lg-node .elect-gallery')) !== top"


def is_classic(tab: "Page") -> bool:
    return not tab.evaluate("() => window.LiteGraph.vueNodesMode")


def seen(rows: list[dict]) -> set[str]:
    return {one["name"] for one in rows if one["seen"]}


def test_the_canvas_folds_and_a_button_brings_them_back(tab: "Page"):
    if not is_classic(tab):
        pytest.skip("Nodes 2.0 have a button of their own")
    tab.evaluate(ADD, "BISSelect")
    rows = tab.evaluate(ROWS)
    folded = [one for one in rows if one["advanced"]]
    assert len(folded) > 5
    assert seen(rows).isdisjoint(one["name"] for one in folded)
    assert {one["height"] for one in folded} == {0}
    (gallery,) = [one for one in rows if one["name"] == "elect_gallery"]
    tab.evaluate(PRESS)
    after = tab.evaluate(ROWS)
    assert {one["name"] for one in folded} <= seen(after)
    (lower,) = [one for one in after if one["name"] == "elect_gallery"]
    assert lower["y"] >= gallery["y"] + 24 * len(folded)
    tab.evaluate(PRESS)
    again = tab.evaluate(ROWS)
    assert [(o["name"], o["y"]) for o in again] == [(o["name"], o["y"]) for o in rows]


def test_a_wired_input_stays_in_sight(tab: "Page"):
    if not is_classic(tab):
        pytest.skip("Nodes 2.0 show what is wired by themselves")
    tab.evaluate(ADD, "BISSelect")
    tab.evaluate(WIRE, "minimum_edit")
    heights = {one["name"]: one["height"] for one in tab.evaluate(ROWS)}
    assert heights["minimum_edit"] == 24
    assert heights["align"] == 0


def only_nodes_2(tab: "Page") -> None:
    if is_classic(tab):
        pytest.skip("the classic canvas")


def rows_seen(tab: "Page") -> set[str]:
    """The inputs that Nodes 2.0 show of the added node."""
    return set(tab.evaluate(SEEN_ROWS))


def test_nodes_2_fold_too_and_one_button_brings_them_back(tab: "Page"):
    only_nodes_2(tab)
    tab.evaluate(ADD, "BISSelect")
    folded = {one["name"] for one in tab.evaluate(ROWS) if one["advanced"]}
    assert len(folded) > 5
    gallery = tab.locator(".lg-node .elect-gallery")
    gallery.wait_for()
    button = tab.locator(".lg-node button:visible", has_text="inputs")
    button.wait_for()
    assert button.count() == 1
    everyday = rows_seen(tab)
    assert everyday
    assert everyday.isdisjoint(folded)
    top = gallery.evaluate(TOP)
    assert top + 200 < 1000  # the window's height
    button.click()
    tab.wait_for_function(MOVED, arg=top)
    assert rows_seen(tab) == everyday | folded
    assert gallery.evaluate(TOP) > top + 20 * len(folded)
    button.evaluate("(one) => one.click()")  # it may lie below the window now
    tab.wait_for_function(f"(top) => !({MOVED})(top)", arg=top)
    assert rows_seen(tab) == everyday


def test_nodes_2_show_a_wired_input_all_the_same(tab: "Page"):
    only_nodes_2(tab)
    tab.evaluate(ADD, "BISSelect")
    tab.locator(".lg-node .elect-gallery").wait_for()
    name = tab.locator(".lg-node").get_by_text("minimum_edit", exact=True)
    assert not any(one.is_visible() for one in name.all())
    tab.evaluate(WIRE, "minimum_edit")
    name.locator("visible=true").first.wait_for()
    assert "align" not in rows_seen(tab)


@pytest.mark.parametrize("kind", ["BISSelect", "TiNOOptimize", "MultiSeedPartialSampler"])
def test_the_button_does_not_shift_what_is_saved(kind: str, tab: "Page"):
    tab.evaluate(ADD, kind)
    rows = tab.evaluate(ROWS)
    kinds = [one["saved"] for one in rows]
    assert kinds == sorted(kinds, reverse=True)
    before, after = tab.evaluate(ROUND)
    assert before == after
    assert tab.errors == []  # type: ignore[attr-defined]
