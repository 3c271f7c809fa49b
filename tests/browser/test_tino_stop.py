"""The button that ends a run early and keeps the best, in the real frontend."""

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
LOAD = f"""async (workflow) => {{
    await window.app.loadGraphData(workflow);
    const node = {NODE};
    for (const [name, value] of [["preset", "as set"], ["iterations", 1000], ["num_steps", 2]])
        node.widgets.find((widget) => widget.name === name).value = value;
    window.iterations = 0;
    window.app.api.addEventListener("progress", () => (window.iterations += 1));
}}"""
TEXT = f"() => {NODE}.widgets.find((widget) => widget.name === 'elect_text').value"


def test_the_button_is_of_use_only_while_it_runs_and_keeps_the_best(page: "Page"):
    page.evaluate(LOAD, load_workflow(path_of("tino_text")))
    before = page.evaluate("() => window.app.graph.serialize()")
    assert page.evaluate(f"() => {BUTTON}.disabled")
    page.evaluate("() => window.app.queuePrompt(0, 1)")
    page.wait_for_function(f"() => window.iterations > 3 && !{BUTTON}.disabled", timeout=120_000)
    page.evaluate(f"() => {BUTTON}.callback()")
    page.wait_for_function(f"({TEXT})().includes('Stopped at iteration')", timeout=120_000)
    page.wait_for_function(f"() => {BUTTON}.disabled", timeout=30_000)
    after = page.evaluate("() => window.app.graph.serialize()")
    (values,) = (one["widgets_values"] for one in before["nodes"] if one["type"] == "TiNOOptimize")
    (again,) = (one["widgets_values"] for one in after["nodes"] if one["type"] == "TiNOOptimize")
    assert again[: len(values)] == values  # behind them only what the frontend adds for pictures


def test_the_button_is_no_part_of_the_prompt(page: "Page"):
    page.evaluate(LOAD, load_workflow(path_of("tino_text")))
    prompt = page.evaluate("async () => (await window.app.graphToPrompt()).output")
    (node,) = (one for one in prompt.values() if one["class_type"] == "TiNOOptimize")
    assert not [name for name in node["inputs"] if "stop" in name.lower()]
