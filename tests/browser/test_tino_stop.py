"""The button that ends a run early and keeps the best, by the mouse, in four combinations."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_workflows import path_of
from elect_tino.harness.workflows.workflow import load_workflow

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]
NODE = "window.app.graph.nodes.find((node) => node.type === 'TiNOOptimize')"
FOLDS = "elect_more"
BUTTON = f"{NODE}.widgets.find((w) => w.type === 'button' && w.name !== '{FOLDS}')"
NAME = "Stop and keep the best"
LOAD = f"""async (workflow) => {{
    window.app.graph.clear();
    await new Promise((done) => setTimeout(done, 300));
    await window.app.loadGraphData(workflow);
    const node = {NODE}, view = window.app.canvas.ds;
    const own = ["seed", Date.now() % 1e9];  // else a kept result is given, and nothing runs
    for (const [name, value] of [own, ["preset", "as set"], ["iterations", 1000], ["num_steps", 2]])
        node.widgets.find((widget) => widget.name === name).value = value;
    view.scale = 0.8;
    view.offset[0] = 400 - node.pos[0];
    view.offset[1] = 120 - node.pos[1];
    window.app.canvas.setDirty(true, true);
    window.iterations = 0;
    window.app.api.addEventListener("progress", () => (window.iterations += 1));
    await new Promise((done) => setTimeout(done, 800));
}}"""
TEXT = f"() => {NODE}.widgets.find((widget) => widget.name === 'elect_text').value"
DRAWN = f"""() => {{
    const node = {NODE}, {{ canvas, ds }} = window.app.canvas, button = {BUTTON};
    const area = canvas.getBoundingClientRect();
    const at = (k, within) => (node.pos[k] + within + ds.offset[k]) * ds.scale;
    return [area.left + at(0, node.size[0] / 2), area.top + at(1, button.last_y + 10)];
}}"""
"""Where the canvas draws the middle of the button."""

INTO_VIEW = """(box) => {
    const { ds } = window.app.canvas, old = ds.scale;
    ds.scale = 1.2;
    ds.offset[0] += 600 / ds.scale - box.x / old;
    ds.offset[1] += 400 / ds.scale - box.y / old;
    window.app.canvas.setDirty(true, true);
}"""
"""Near enough: from afar the older Nodes 2.0 take no click."""


def press(page: "Page") -> None:
    """With the mouse, as the node is drawn."""
    if page.evaluate("() => Boolean(window.LiteGraph.vueNodesMode)"):
        button = page.locator(".lg-node button:visible", has_text=NAME)
        page.evaluate(INTO_VIEW, button.bounding_box())
        page.wait_for_timeout(500)
        button.click(timeout=20_000)
    else:
        page.mouse.click(*page.evaluate(DRAWN))


def can_be_pressed(page: "Page") -> bool:
    """As the canvas draws the button. Nodes 2.0 draw it alike, and a press does nothing."""
    return page.evaluate(f"() => !{BUTTON}.disabled")


def test_the_button_is_of_use_only_while_it_runs_and_keeps_the_best(tab: "Page"):
    tab.evaluate(LOAD, load_workflow(path_of("tino_text")))
    before = tab.evaluate("() => window.app.graph.serialize()")
    assert not can_be_pressed(tab)
    tab.evaluate("() => window.app.queuePrompt(0, 1)")
    tab.wait_for_function(f"() => window.iterations > 3 && !{BUTTON}.disabled", timeout=120_000)
    press(tab)
    tab.wait_for_function(f"({TEXT})().includes('Stopped at iteration')", timeout=120_000)
    tab.wait_for_function(f"() => {BUTTON}.disabled", timeout=30_000)
    assert not can_be_pressed(tab)
    after = tab.evaluate("() => window.app.graph.serialize()")
    (values,) = (one["widgets_values"] for one in before["nodes"] if one["type"] == "TiNOOptimize")
    (again,) = (one["widgets_values"] for one in after["nodes"] if one["type"] == "TiNOOptimize")
    assert again[: len(values)] == values  # behind them only what the frontend adds for pictures
    assert tab.errors == []  # type: ignore[attr-defined]


def test_the_button_is_no_part_of_the_prompt(tab: "Page"):
    tab.evaluate(LOAD, load_workflow(path_of("tino_text")))
    prompt = tab.evaluate("async () => (await window.app.graphToPrompt()).output")
    (node,) = (one for one in prompt.values() if one["class_type"] == "TiNOOptimize")
    assert not [name for name in node["inputs"] if "stop" in name.lower()]
