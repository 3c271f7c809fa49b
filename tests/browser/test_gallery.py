"""What a person sees and does in the gallery, in four combinations of frontend and nodes."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.workflows.workflow import DEMO, load_workflow, set_widgets

from .conftest import choose_nothing

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

COUNT = 6
LOAD = """async (workflow) => {
    await window.app.loadGraphData(workflow);
    const node = window.app.graph.nodes.find((one) => one.type === "BISSelect");
    const view = window.app.canvas.ds;
    view.scale = 1;
    view.offset[0] = 200 - node.pos[0];
    view.offset[1] = 60 - node.pos[1];
    window.app.canvas.setDirty(true, true);
    window.ran = [];
    window.ends = 0;
    if (window.listening) return;
    window.listening = true;
    window.app.api.addEventListener("executing", ({ detail }) => {
        if (detail === null) window.ends += 1;
        else window.ran.push(String(detail.node ?? detail));
    });
}"""
RUN = "async () => { window.ran = []; await window.app.queuePrompt(0, 1) }"
NODE = "window.app.graph.nodes.find((node) => node.type === '{0}')"
PICKED = f"() => {NODE.format('BISSelect')}.widgets.find((w) => w.name === 'pick_seeds').value"
ELECTION = f"() => {NODE.format('BISSelect')}.properties.elect_gallery"
BOX = """(element) => { const box = element.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom]; }"""

LOADED = """(index) => {
    const picture = document.querySelectorAll(".elect-tile[data-seed]")[index].querySelector("img");
    picture.scrollIntoView({ block: "nearest" });
    return picture.complete && picture.naturalWidth > 0;
}"""

# A candidate below the window's edge is not loaded, and a canvas does not scroll: it is moved.
GALLERY_TO_TOP = """() => {
    const top = document.querySelector(".elect-gallery").getBoundingClientRect().top;
    window.app.canvas.ds.offset[1] -= top - 100;
    window.app.canvas.setDirty(true, true);
}"""


def demo(first_seed: int = 0) -> dict:
    workflow = load_workflow(DEMO)
    workflow["extra"]["ds"] = {"scale": 1, "offset": [0, 0]}  # else it is fitted into the window
    set_widgets(workflow, "BasicScheduler", {1: 5})
    set_widgets(workflow, "MultiSeedPartialSampler", {0: first_seed, 2: COUNT})
    return workflow


def tiles(page: "Page") -> "Locator":
    return page.locator(".elect-tile[data-seed]")


def wait_for_end(page: "Page", ends: int = 1) -> None:
    page.wait_for_function(f"() => window.ends >= {ends}", timeout=120_000)


def run_demo(tab: "Page") -> None:
    """Load the demo, run it, and wait for its candidates."""
    tab.evaluate(LOAD, demo())
    tab.evaluate(RUN)
    wait_for_end(tab)
    tiles(tab).nth(COUNT - 1).wait_for(timeout=30_000)


@pytest.fixture(scope="module")
def run(tab: "Page") -> "Page":
    """The demo, run once."""
    run_demo(tab)
    return tab


@pytest.fixture
def page(run: "Page") -> "Page":
    """The finished demo with the automatic choice."""
    choose_nothing(run)
    return run


def test_every_candidate_is_seen_within_the_node_best_first(page: "Page"):
    assert tiles(page).count() == COUNT
    gallery = page.locator(".elect-gallery")
    left, top, right, bottom = gallery.evaluate(BOX)
    assert right - left > 300
    assert bottom - top > 250
    for index in range(COUNT):
        tile = tiles(page).nth(index)
        box = tile.evaluate(BOX)
        assert left <= box[0] < box[2] <= right
        assert top <= box[1] < box[3]
    page.evaluate(GALLERY_TO_TOP)
    for index in range(COUNT):  # those out of sight are loaded when they come into it
        page.wait_for_function(LOADED, arg=index, timeout=30_000)
    election = page.evaluate(ELECTION)
    shown = [tiles(page).nth(k).get_attribute("data-seed") for k in range(COUNT)]
    assert shown == [election["seeds"][index] for index in election["order"]]
    best = election["order"][0] + 1
    assert page.locator(".elect-said strong").inner_text().startswith(f"Best of 6: #{best}, a c")
    assert tiles(page).first.locator(".elect-best").inner_text() == "best"


def test_no_stray_text_box_is_seen_on_the_node(page: "Page"):
    assert page.locator(".elect-gallery textarea").count() == 0
    strays = page.evaluate(
        """() => [...document.querySelectorAll("textarea")].filter((one) => {
            const box = one.getBoundingClientRect();
            const gallery = document.querySelector(".elect-gallery").getBoundingClientRect();
            return box.width > 0 && box.left < gallery.right && box.right > gallery.left
                && box.top < gallery.bottom && box.bottom > gallery.top;
        }).length"""
    )
    assert strays == 0


def test_a_click_chooses_a_second_one_is_automatic_again(page: "Page"):
    tile = tiles(page).nth(2)
    seed = tile.get_attribute("data-seed")
    tile.click()
    assert page.evaluate(PICKED) == seed
    assert tiles(page).nth(2).get_attribute("aria-selected") == "true"
    assert "Yours: #" in page.locator(".elect-said").inner_text()
    page.wait_for_timeout(600)  # no double click
    tiles(page).nth(2).dispatch_event("click")
    assert page.evaluate(PICKED) == ""
    assert page.locator(".elect-tile[aria-selected='true']").count() == 0


def test_control_click_keeps_several_in_click_order(page: "Page"):
    seeds = [tiles(page).nth(k).get_attribute("data-seed") for k in (3, 1)]
    for k in (3, 1):
        tiles(page).nth(k).click(modifiers=["Control"])
        page.wait_for_timeout(600)
    assert page.evaluate(PICKED) == ", ".join(map(str, seeds))
    assert tiles(page).nth(1).locator(".elect-yours").inner_text() == "yours 2"


def test_finish_it_runs_only_the_choice_and_what_follows(page: "Page"):
    tile = tiles(page).nth(4)
    seed, ends = tile.get_attribute("data-seed"), page.evaluate("() => window.ends")
    tile.click()
    page.evaluate("() => { window.ran = [] }")
    page.get_by_role("button", name="Finish it").click()
    wait_for_end(page, ends + 1)
    kinds = page.evaluate("""() => [...new Set(window.ran)].map((id) =>
        window.app.graph.nodes.find((node) => String(node.id) === id).type).sort()""")
    assert kinds == ["BISSelect", "ResumeDenoise", "SaveImage", "VAEDecode"]
    election = page.evaluate(ELECTION)
    assert election["seeds"][election["elected"]] == seed
    page.locator(f".elect-tile[data-seed='{seed}'] img").nth(1).wait_for(timeout=10_000)
    assert "Not finished yet" not in page.locator(".elect-said").inner_text()


def test_keys_move_open_the_large_view_choose_and_give_focus_back(page: "Page"):
    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    dialog = page.locator("dialog.elect-dialog")
    dialog.wait_for()
    before = dialog.locator(".elect-title").inner_text()
    page.keyboard.press("ArrowRight")
    assert dialog.locator(".elect-title").inner_text() != before
    for key, name in (("r", "Edited region (R)"), ("d", "Change outside it (D)")):
        page.keyboard.press(key)
        pressed = dialog.get_by_role("button", name=name).get_attribute("aria-pressed")
        assert pressed == "true"
    page.keyboard.down("s")
    assert dialog.locator(".elect-layer-source").is_visible()
    page.keyboard.up("s")
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    seed = tiles(page).nth(2).get_attribute("data-seed")
    assert page.evaluate(PICKED) == seed
    assert page.evaluate("() => document.activeElement.dataset.seed") == seed


def test_double_click_opens_the_large_view_and_escape_closes_it(page: "Page"):
    tiles(page).nth(1).dblclick()
    page.locator("dialog.elect-dialog").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog.elect-dialog").wait_for(state="detached")


def test_details_hold_the_table_and_sorting_goes_by_number(page: "Page"):
    page.locator(".elect-details summary").evaluate("(one) => one.click()")
    assert page.locator(".elect-details tr").count() == COUNT + 1
    page.locator(".elect-details summary").evaluate("(one) => one.click()")
    page.get_by_label("Sort by").first.select_option("candidate")
    numbers = [tiles(page).nth(k).locator("b").inner_text() for k in range(COUNT)]
    assert numbers == [f"#{k + 1}" for k in range(COUNT)]
    page.get_by_label("Sort by").first.select_option("score")


def test_the_gallery_comes_back_with_the_workflow_and_missing_pictures_are_said(page: "Page"):
    saved = page.evaluate("() => window.app.graph.serialize()")
    (node,) = [one for one in saved["nodes"] if one["type"] == "BISSelect"]
    gallery = node["properties"]["elect_gallery"]
    gallery["pictures"][gallery["order"][0]]["filename"] = "gone.jpg"  # the first that is seen
    page.evaluate(LOAD, saved)
    page.locator(".elect-tile[data-seed] .elect-missing").first.wait_for(timeout=20_000)
    assert tiles(page).count() == COUNT
    prompt = page.evaluate("async () => (await window.app.graphToPrompt()).output")
    assert not any("elect_gallery" in one["inputs"] for one in prompt.values())


def test_a_seed_that_is_gone_is_automatic_and_said(page: "Page"):
    page.evaluate(LOAD, demo(first_seed=50))
    page.evaluate(f"() => {{ {PICKED.removeprefix('() => ')} = '3' }}")
    page.evaluate("() => { window.ends = 0 }")
    page.evaluate(RUN)
    wait_for_end(page)
    said = page.locator(".elect-said", has_text="The seed you chose is not among")
    said.wait_for(timeout=20_000)
    election = page.evaluate(ELECTION)
    assert election["elected"] == election["order"][0]
    assert page.errors == []  # type: ignore[attr-defined]


def test_to_look_closer_is_no_choice(page: "Page"):
    tiles(page).nth(1).click()
    seed = page.evaluate(PICKED)
    page.wait_for_timeout(600)  # no double click
    for place in (1, 2):  # the chosen one, and another
        tiles(page).nth(place).dblclick()
        page.locator("dialog.elect-dialog").wait_for()
        page.keyboard.press("Escape")
        page.locator("dialog.elect-dialog").wait_for(state="detached")
        assert page.evaluate(PICKED) == seed


def test_the_node_stays_as_high_as_it_is_and_the_tiles_scroll(page: "Page"):
    gallery = page.locator(".elect-gallery")
    top, bottom = (gallery.evaluate(BOX)[side] for side in (1, 3))
    page.get_by_label("Tile size").last.fill("320")
    page.wait_for_timeout(300)
    assert gallery.evaluate("(one) => one.scrollHeight > one.clientHeight")
    assert abs(gallery.evaluate(BOX)[3] - gallery.evaluate(BOX)[1] - (bottom - top)) < 2
    page.get_by_label("Tile size").last.fill("116")
