"""The gallery of a race says of each dropped candidate where it was dropped."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.workflows.recipes.races import elect_race
from elect_tino.harness.workflows.recipes.titles import title_of
from elect_tino.harness.workflows.workflow import DEMO, load_workflow, set_widgets

from .test_gallery import LOAD, RUN, tiles, wait_for_end

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

ELECTION = """() => window.app.graph.nodes.find((node) => node.type === "ELECTRace")
    .properties.elect_gallery"""


def small_race() -> dict:
    """The race workflow with 4 candidates of 5 steps: 2 go on after step 2, one after step 4."""
    workflow = load_workflow(DEMO.with_name(f"{title_of(elect_race().name)}.json"))
    set_widgets(workflow, "BasicScheduler", {1: 5})
    set_widgets(workflow, "MultiSeedPartialSampler", {2: 4})
    return workflow


@pytest.fixture(scope="module")
def page(tab: "Page") -> "Page":
    tab.evaluate(LOAD.replace("BISSelect", "ELECTRace"), small_race())
    tab.evaluate(RUN)
    wait_for_end(tab)
    tiles(tab).nth(3).wait_for(timeout=30_000)
    return tab


def test_who_was_dropped_says_at_which_share_of_the_steps(page: "Page"):
    election = page.evaluate(ELECTION)
    assert sorted(election["ran"]) == [2, 2, 4, 4]
    for place, index in enumerate(election["order"]):
        badges = tiles(page).nth(place).locator(".elect-out").all_inner_texts()
        label = tiles(page).nth(place).get_attribute("aria-label") or ""
        assert badges == (["dropped at 40 %"] if election["ran"][index] == 2 else [])
        assert label.endswith("dropped at 40 %") == (election["ran"][index] == 2)


def test_the_large_view_and_the_table_say_it_too(page: "Page"):
    tiles(page).nth(3).dispatch_event("dblclick")  # it may stand below the node's edge
    dialog = page.locator("dialog.elect-dialog")
    assert "dropped at 40 %" in dialog.locator(".elect-title").inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    cells = page.locator(".elect-details td:last-child").all_text_contents()
    assert sorted(cells) == ["", "", "dropped at 40 %", "dropped at 40 %"]


def test_a_gallery_of_an_earlier_version_says_what_it_said(page: "Page"):
    page.evaluate(
        """() => {
            const node = window.app.graph.nodes.find((one) => one.type === "ELECTRace");
            const { ran, steps, ...older } = node.properties.elect_gallery;
            node.properties.elect_gallery = { ...older, eligible: 3 };
        }"""
    )
    page.get_by_label("Sort by").first.select_option("candidate")
    assert page.locator(".elect-out").all_inner_texts() == ["not electable"]


ODD = """(kept) => {
    const node = window.app.graph.nodes.find((one) => one.type === "ELECTRace");
    const good = node.properties.elect_gallery;
    node.properties.elect_gallery = kept === "no seeds" ? { ...good, seeds: null } : kept;
    node.onConfigure({});
    node.onExecuted({ elect: [{ seeds: null, order: 3 }], text: [] });
    node.onExecuted({ elect: null });
    const said = node.widgets.find((one) => one.name === "elect_gallery").element.innerText;
    node.properties.elect_gallery = good;
    node.onConfigure({});
    return said;
}"""


@pytest.mark.parametrize("kept", [None, 5, "x", [], {"seeds": ["1"]}, "no seeds"], ids=str)
def test_a_record_that_is_none_is_an_empty_gallery(page: "Page", kept):
    """Out of a workflow's file, which anybody may have written, or of another pack's node."""
    assert "appear here" in page.evaluate(ODD, kept)
    assert tiles(page).count() == 4
