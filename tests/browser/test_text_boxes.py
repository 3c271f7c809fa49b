"""What a node reports can be read on it: a box that is seen, not one that only holds the text."""

from typing import TYPE_CHECKING

import pytest

from .test_nodes import ADD

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

REPORT = """(text) => {
    window.reported = window.app.graph.nodes[0];
    window.reported.onExecuted({ text: [text] });
}"""
BOX = """() => {
    const node = window.reported;
    const { element } = node.widgets.find((one) => one.name === "elect_text");
    const box = element.getBoundingClientRect();
    const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const left = window.app.canvas.canvas.getBoundingClientRect().left + node.pos[0];
    return {
        text: element.value,
        met: there === element,
        readOnly: element.readOnly,
        size: [box.width, box.height],
        within: left <= box.left && box.right <= left + node.size[0] + 1,
        boxes: [...document.querySelectorAll("textarea")].filter((one) =>
            one.checkVisibility() && one.value === element.value).length,
    };
}"""


@pytest.mark.parametrize("kind", ["MultiSeedPartialSampler", "TiNOOptimize"])
def test_a_report_is_seen_once_on_its_node_and_cannot_be_edited(kind: str, tab: "Page"):
    tab.evaluate(ADD, kind)
    text = f"{kind} says\nwhat it did"
    tab.evaluate(REPORT, text)
    tab.wait_for_function(f"() => ({BOX})().met", timeout=20_000)
    seen = tab.evaluate(BOX)
    assert seen["text"] == text
    assert seen["readOnly"]
    assert seen["within"]
    assert seen["boxes"] == 1
    assert seen["size"][0] > 150
    assert seen["size"][1] > 2 * 16  # both lines
    assert tab.errors == []  # type: ignore[attr-defined]
