"""The large view by wheel and keys alone: zoom that stays, keeping several, one run at the end."""

from typing import TYPE_CHECKING

import pytest

from .conftest import choose_nothing
from .test_gallery import ELECTION, PICKED, run_demo, tiles, wait_for_end

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

SCALE = """() => new DOMMatrix(
    getComputedStyle(document.querySelector(".elect-dialog .elect-layers")).transform).a"""
VIEW = "() => [...window.app.canvas.ds.offset, window.app.canvas.ds.scale]"
TAKEN = f"""(seed) => {{
    const {{ seeds, elected }} = ({ELECTION})();
    return seeds[elected] === seed;
}}"""
SIDEBAR = "() => window.app.extensionManager.sidebarTab.activeSidebarTabId"


@pytest.fixture(scope="module")
def run(tab: "Page") -> "Page":
    run_demo(tab)
    return tab


@pytest.fixture
def dialog(run: "Page") -> "Locator":
    """The large view of the best candidate, opened by keys, nothing being chosen."""
    choose_nothing(run)
    tiles(run).first.focus()
    run.keyboard.press("Space")
    found = run.locator("dialog.elect-dialog")
    found.wait_for()
    return found


def close(page: "Page", dialog: "Locator") -> None:
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_the_wheel_zooms_and_the_zoom_stays_from_candidate_to_candidate(
    run: "Page", dialog: "Locator"
):
    canvas = run.evaluate(VIEW)
    box = dialog.locator(".elect-stage").bounding_box()
    assert box is not None
    run.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert run.evaluate(SCALE) == 1
    run.mouse.wheel(0, -400)
    run.wait_for_function(f"() => ({SCALE})() > 2")
    scale = run.evaluate(SCALE)
    before = dialog.locator(".elect-title").inner_text()
    run.keyboard.press("ArrowRight")
    assert dialog.locator(".elect-title").inner_text() != before
    assert run.evaluate(SCALE) == scale
    run.keyboard.press("0")
    assert run.evaluate(SCALE) == 1
    assert run.evaluate(VIEW) == canvas  # the canvas behind it has not moved
    close(run, dialog)


def test_k_keeps_several_in_their_order(run: "Page", dialog: "Locator"):
    seeds = [tiles(run).nth(place).get_attribute("data-seed") for place in (1, 2)]
    for _ in seeds:
        run.keyboard.press("ArrowRight")
        run.keyboard.press("k")
    assert run.evaluate(PICKED) == ", ".join(map(str, seeds))
    close(run, dialog)
    assert tiles(run).nth(2).locator(".elect-yours").inner_text() == "yours 2"


def test_control_enter_takes_one_finishes_it_once_and_gives_the_focus_back(
    run: "Page", dialog: "Locator"
):
    opened, ends = run.evaluate(SIDEBAR), run.evaluate("() => window.ends")
    for key in ("w", "q"):  # ComfyUI's own keys for its side bars
        run.keyboard.press(key)
    assert run.evaluate(SIDEBAR) == opened
    seed = tiles(run).nth(3).get_attribute("data-seed")
    for _ in range(3):
        run.keyboard.press("ArrowRight")
    run.keyboard.press("Control+Enter")
    dialog.wait_for(state="detached")
    wait_for_end(run, ends + 1)
    run.wait_for_timeout(1500)
    assert run.evaluate("() => window.ends") == ends + 1
    run.wait_for_function(TAKEN, arg=seed)
    assert run.evaluate("() => document.activeElement.dataset.seed") == seed
    assert run.errors == []  # type: ignore[attr-defined]
