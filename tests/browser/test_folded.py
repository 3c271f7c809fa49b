"""Inputs that few need are folded away in the classic canvas too, and come back at a click."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

ADD = """async (kind) => {
    const { app } = window;
    app.graph.clear();
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
IN_VUE = "(document.querySelector('.lg-node')?.textContent ?? '')"


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


def test_nodes_2_show_no_second_button(tab: "Page"):
    if is_classic(tab):
        pytest.skip("the classic canvas")
    tab.evaluate(ADD, "MultiSeedPartialSampler")
    tab.wait_for_function(f"() => {IN_VUE}.includes('num_candidates')", timeout=20_000)
    text = tab.evaluate(IN_VUE)
    assert "elect_more" not in text
    assert "more inputs" not in text


@pytest.mark.parametrize("kind", ["BISSelect", "TiNOOptimize", "MultiSeedPartialSampler"])
def test_the_button_does_not_shift_what_is_saved(kind: str, tab: "Page"):
    tab.evaluate(ADD, kind)
    rows = tab.evaluate(ROWS)
    kinds = [one["saved"] for one in rows]
    assert kinds == sorted(kinds, reverse=True)
    before, after = tab.evaluate(ROUND)
    assert before == after
    assert tab.errors == []  # type: ignore[attr-defined]
