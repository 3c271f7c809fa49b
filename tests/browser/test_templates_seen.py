"""Every template is seen as a whole in a window of 1600 x 1000, no node lying on another."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_workflows import FOLDER
from elect_tino.harness.workflows.recipes.titles import LARGER, title_of
from elect_tino.harness.workflows.workflow import NOTES, load_workflow

from .conftest import BOXES, overlaps
from .test_first_session import READABLE, SPREADS, WHOLE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(1800)]

FILES = sorted(FOLDER.glob("*.json"))
LOAD = """async (workflow) => {
    // Notices of missing files lie over the nodes until somebody closes them.
    const { setting } = window.app.extensionManager;
    const notices = "Comfy.RightSidePanel.ShowErrorsTab";
    if (setting.get(notices)) await setting.set(notices, false);
    window.app.graph.clear();
    await new Promise((done) => setTimeout(done, 300));
    await window.app.loadGraphData(workflow);
    await new Promise((done) => setTimeout(done, 800));
}"""

CUT = """() => window.app.graph.groups.filter((group) => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `${group.font_size}px ${window.LiteGraph.GROUP_FONT ?? "Arial"}, sans-serif`;
    return pen.measureText(group.title).width + 4 > group.size[0];
}).map((group) => group.title)"""
"""Titles of frames that run over the frame beside them; 1.58 draws all of them in one size."""


def known(path: Path, kinds: set[str]) -> bool:
    """Whether this ComfyUI has all of a template's nodes."""
    return {node["type"] for node in load_workflow(path)["nodes"]} <= kinds | set(NOTES)


def test_no_template_has_a_node_out_of_sight_or_on_another(tab: "Page"):
    tab.evaluate(LOAD, load_workflow(FILES[0]))
    if tab.evaluate(SPREADS):
        pytest.skip("this Nodes 2.0 spreads the nodes of every file and fits no view to that")
    kinds = set(tab.evaluate("() => Object.keys(window.LiteGraph.registered_node_types)"))
    found = {}
    tried = [path for path in FILES if known(path, kinds)]
    assert len(tried) > 25
    for path in tried:
        tab.evaluate(LOAD, load_workflow(path))
        seen = tab.evaluate(WHOLE)
        small = seen["scale"] < READABLE and path.stem not in map(title_of, LARGER)
        wrong = {
            "on others": overlaps(tab.evaluate(BOXES)),
            "out of sight": seen["hidden"],
            "cut": tab.evaluate(CUT),
            "too small": [seen["scale"]] * small,
        }
        found |= {(path.stem, kind): what for kind, what in wrong.items() if what}
    assert found == {}
    assert tab.errors == []  # type: ignore[attr-defined]
