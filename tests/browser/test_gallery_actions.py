"""New seeds for the losers, the top four finished, tiles that fill while candidates are sampled."""

from typing import TYPE_CHECKING

import pytest

from .test_gallery import BOX, COUNT, ELECTION, LOAD, PICKED, RUN, demo, tiles, wait_for_end

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

WATCH = """() => {
    window.live = [];
    const gallery = document.querySelector(".elect-gallery");
    new MutationObserver(async () => {
        const shots = [...gallery.querySelectorAll(".elect-live")];
        if (!shots.length) return;
        const box = gallery.getBoundingClientRect();
        const inside = shots.filter((shot) => {
            const own = shot.getBoundingClientRect();
            return own.width > 30 && own.left >= box.left && own.right <= box.right;
        }).length;
        const text = gallery.querySelector(".elect-hint").textContent;
        const url = shots[0].style.backgroundImage.slice(5, -2);
        const sheet = await createImageBitmap(await (await fetch(url)).blob());
        const pen = new OffscreenCanvas(sheet.width, sheet.height).getContext("2d");
        pen.drawImage(sheet, 0, 0);
        const { data } = pen.getImageData(0, 0, sheet.width, sheet.height);
        const bright = data.reduce((sum, value, k) => sum + (k % 4 < 3 ? value : 0), 0);
        window.live.push({ inside, text, mean: bright / (0.75 * data.length) });
    }).observe(gallery, { childList: true });
}"""
"""Notes down what the gallery shows each time it is drawn while candidates are sampled."""
OUT = """() => {
    const node = window.app.graph.nodes.find((one) => one.title === "Edited");
    return window.app.nodeOutputs[node.id]?.images?.length;
}"""


@pytest.fixture(scope="module")
def page(tab: "Page") -> "Page":
    """The demo, watched while it runs for the first time."""
    tab.evaluate(LOAD, demo(first_seed=70))
    tab.locator(".elect-gallery").first.wait_for()
    tab.evaluate(WATCH)
    tab.evaluate(RUN)
    wait_for_end(tab)
    tiles(tab).nth(COUNT - 1).wait_for(timeout=30_000)
    return tab


def press(page: "Page", name: str) -> None:
    """Press a button of the gallery and wait for the end of the run that it starts."""
    ends = page.evaluate("() => window.ends")
    page.get_by_role("button", name=name, exact=True).click()
    wait_for_end(page, ends + 1)


def test_tiles_fill_while_candidates_are_sampled(page: "Page"):
    live = page.evaluate("() => window.live")
    assert live
    assert {one["text"] for one in live} == {f"{COUNT} candidates are being sampled"}
    assert {one["inside"] for one in live} == {COUNT}
    assert live[-1]["mean"] > 30  # of 255: pictures, not a black sheet
    assert page.locator(".elect-live").count() == 0


def test_the_top_four_are_finished_together(page: "Page"):
    election = page.evaluate(ELECTION)
    top = [election["seeds"][index] for index in election["order"][:4]]
    press(page, "Finish top 4")
    assert page.evaluate(PICKED) == ", ".join(top)
    assert page.evaluate(OUT) == 4
    for place, seed in enumerate(top):
        tile = tiles(page).nth(place)
        assert tile.get_attribute("data-seed") == seed
        tile.locator("img").nth(1).wait_for(state="attached", timeout=20_000)
        badge = "yours" if place == 0 else f"yours {place + 1}"
        assert tile.locator(".elect-yours").inner_text() == badge
    assert page.locator(".elect-finished").count() == 4
    sources = page.locator(".elect-finished img:nth-child(2)").evaluate_all(
        "(all) => all.map((one) => new URL(one.src).searchParams.get('filename'))"
    )
    assert len(set(sources)) == 4
    left, top_edge, right, _ = page.locator(".elect-gallery").evaluate(BOX)
    box = tiles(page).first.evaluate(BOX)
    assert left <= box[0] < box[2] <= right
    assert top_edge <= box[1]


def test_new_seeds_take_the_place_of_all_but_the_choice(page: "Page"):
    before = page.evaluate(ELECTION)["seeds"]
    page.get_by_role("button", name="Automatic", exact=True).click()
    kept = tiles(page).nth(1).get_attribute("data-seed")
    tiles(page).nth(1).click()
    press(page, "New seeds for the losers")
    page.wait_for_function(
        f"(old) => ({ELECTION})().seeds.filter((seed) => old.includes(seed)).length === 1",
        arg=before,
    )
    after = page.evaluate(ELECTION)["seeds"]
    assert after[0] == kept
    assert len(after) == len(set(after)) == COUNT
    assert tiles(page).count() == COUNT
    mine = page.locator(".elect-tile[aria-selected='true']")
    assert mine.get_attribute("data-seed") == kept
    assert mine.locator("b").inner_text() == "#1"
    said = page.locator(".elect-said").inner_text()
    assert "Yours: #1" in said
    assert "Not finished yet" not in said


def test_without_a_choice_the_best_one_is_kept(page: "Page"):
    page.get_by_role("button", name="Automatic", exact=True).click()
    election = page.evaluate(ELECTION)
    best = election["seeds"][election["best"]]
    press(page, "New seeds for the losers")
    page.wait_for_function(
        f"(old) => ({ELECTION})().seeds.filter((seed) => old.includes(seed)).length === 1",
        arg=election["seeds"],
    )
    assert page.evaluate(ELECTION)["seeds"][0] == best
    assert page.evaluate(PICKED) == ""
    assert page.errors == []  # type: ignore[attr-defined]
