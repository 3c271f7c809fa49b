"""What the pack itself writes on nodes is in ComfyUI's language, in four combinations."""

import json
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_locales import FOLDER
from elect_tino.harness.pictures.ready import READY

from .test_nodes import ADD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

LANGUAGE = "fr"
"""The newest frontend takes none that it has no words of its own in, such as German."""
SET = """async (language) => {
    await window.app.extensionManager.setting.set("Comfy.Locale", language);
}"""
HINT = """() => window.app.graph.nodes[0].widgets.find((one) => one.name === "elect_text")
    .element.placeholder"""
BUTTON = """() => {
    const button = window.app.graph.nodes[0].widgets
        .find((one) => one.type === "button" && one.name !== "elect_more");
    return [button.label ?? button.name, button.tooltip];
}"""


def words() -> dict[str, str]:
    return json.loads((FOLDER / LANGUAGE / "main.json").read_text(encoding="utf-8"))["elect"]


def come_back(tab: "Page") -> None:
    tab.reload(wait_until="commit")
    tab.wait_for_function(READY, timeout=120_000)
    tab.wait_for_timeout(1000)


@pytest.fixture(scope="module")
def french(tab: "Page") -> "Iterator[Page]":
    tab.evaluate(SET, LANGUAGE)
    come_back(tab)
    yield tab
    tab.evaluate(SET, "en")


def test_a_report_says_in_french_what_will_stand_there(french: "Page"):
    french.evaluate(ADD, "MultiSeedPartialSampler")
    assert french.evaluate(HINT) == words()["hint_run"]


def test_the_stop_button_is_french_and_seen(french: "Page"):
    french.evaluate(ADD, "TiNOOptimize")
    assert french.evaluate(HINT) == words()["hint_loss"]
    told = [words()["stop_keep"], words()["stop_keep_hint"]]
    assert french.evaluate(BUTTON) == told
    if french.evaluate("() => window.LiteGraph.vueNodesMode"):
        french.locator(".lg-node button:visible", has_text=told[0]).wait_for(timeout=20_000)


def test_an_empty_gallery_is_french(french: "Page"):
    french.evaluate(ADD, "BISSelect")
    hint = french.locator(".elect-gallery:visible .elect-hint")
    hint.wait_for(timeout=20_000)
    assert hint.inner_text() == words()["empty"]
    assert french.errors == []  # type: ignore[attr-defined]
