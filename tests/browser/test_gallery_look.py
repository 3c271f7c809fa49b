"""The gallery and its large view in light and dark themes, and on a canvas near and far."""

from typing import TYPE_CHECKING

import pytest

from .conftest import choose_nothing
from .test_gallery import BOX, COUNT, ELECTION, PICKED, run_demo, tiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

THEMES = ["dark", "light"]
TEXT, DRAWN = 4.5, 3.0
"""What WCAG 2.1 asks for at level AA: of text (1.4.3), of what is drawn (1.4.11)."""

SET_THEME = """async (theme) => {
    await window.app.extensionManager.setting.set("Comfy.ColorPalette", theme);
    await new Promise((done) => setTimeout(done, 500));
}"""
COLOURS = """
    const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (css) => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = css;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) =>
        [0, 1, 2].map((k) => top[k] * top[3] + below[k] * (1 - top[3])).concat(1);
    // The ground: backgrounds from the page up to the element, one upon the other.
    const ground = (element) => {
        const all = [];
        for (let one = element; one; one = one.parentElement) {
            const colour = rgba(getComputedStyle(one).backgroundColor);
            all.push(colour);
            if (colour[3] === 1) break;
        }
        return all.reverse().reduce((below, top) => over(top, below), [0, 0, 0, 1]);
    };
    const light = ([r, g, b]) => {
        const linear = (value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        };
        return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    };
    const contrast = (a, b) => {
        const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
        return (bright + 0.05) / (dark + 0.05);
    };
"""
TEXTS = (
    """(root) => {"""
    + COLOURS
    + """
    const found = [];
    for (const element of [root, ...root.querySelectorAll("*")]) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!own || !element.checkVisibility() || element.tagName === "OPTION") continue;
        const below = ground(element);
        const ink = over(rgba(getComputedStyle(element).color), below);
        found.push([element.textContent.trim().slice(0, 30), contrast(ink, below)]);
    }
    return found;
}"""
)
DRAWN_PARTS = (
    """(gallery) => {"""
    + COLOURS
    + """
    const tile = gallery.querySelector(".elect-tile[aria-selected='true']");
    const bar = tile.querySelector(".elect-bar");
    const filled = ground(bar.querySelector("span"));
    tile.focus();
    const { borderTopColor } = getComputedStyle(tile);
    const around = ground(gallery);
    const button = gallery.querySelector("button:not(.elect-main)");
    const edge = over(rgba(getComputedStyle(button).borderTopColor), around);
    const ring = rgba(getComputedStyle(gallery).getPropertyValue("--elect-focus"));
    return {
        bar: contrast(filled, ground(bar)),
        chosen: contrast(over(rgba(borderTopColor), around), around),
        ring: contrast(ring, around),
        button: contrast(edge, around),
    };
}"""
)
ZOOM = """(scale) => {
    const node = window.app.graph.nodes.find((one) => one.type === "BISSelect");
    const { ds: view, canvas } = window.app.canvas;
    const gallery = document.querySelector(".elect-gallery").getBoundingClientRect();
    const top = (gallery.top - canvas.getBoundingClientRect().top) / view.scale - view.offset[1];
    view.scale = scale;
    view.offset[0] = 250 / scale - node.pos[0];
    view.offset[1] = 150 / scale - top;
    window.app.canvas.setDirty(true, true);
}"""
NODE_BOX = """() => {
    const node = window.app.graph.nodes.find((one) => one.type === "BISSelect");
    const { scale, offset } = window.app.canvas.ds;
    const canvas = window.app.canvas.canvas.getBoundingClientRect();
    const at = (value, axis) => (value + offset[axis]) * scale + [canvas.left, canvas.top][axis];
    const [x, y] = node.pos;
    const [width, height] = node.size;
    return [at(x, 0), at(y - 30, 1), at(x + width, 0), at(y + height + 60, 1)];
}"""
MET = """(tile) => {
    tile.scrollIntoView({ block: "nearest" });
    const box = tile.getBoundingClientRect();
    const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return tile.contains(there);
}"""


@pytest.fixture(scope="module")
def run(tab: "Page") -> "Iterator[Page]":
    run_demo(tab)
    yield tab
    tab.evaluate(SET_THEME, "dark")


@pytest.fixture
def chosen(run: "Page") -> "Page":
    """The demo with one candidate chosen, so that every kind of badge and border is seen."""
    if run.locator(".elect-tile[aria-selected='true']").count() == 0:
        tiles(run).nth(1).click()
        run.wait_for_timeout(600)  # no double click
    return run


def test_every_tile_says_its_number_and_score(run: "Page"):
    election = run.evaluate(ELECTION)
    for place, index in enumerate(election["order"]):
        tile = tiles(run).nth(place)
        number, score = (tile.locator(part) for part in ("b", ".elect-score"))
        assert number.is_visible()
        assert score.is_visible()
        assert number.inner_text() == f"#{index + 1}"
        assert float(score.inner_text()) == pytest.approx(election["scores"][index], rel=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_on_the_node_can_be_read(theme: str, chosen: "Page"):
    chosen.evaluate(SET_THEME, theme)
    chosen.evaluate("() => document.querySelector('.elect-details').setAttribute('open', '')")
    found = chosen.locator(".elect-gallery").evaluate(TEXTS)
    assert len(found) > 3 * COUNT
    assert [one for one in found if one[1] < TEXT] == []


@pytest.mark.parametrize("theme", THEMES)
def test_bars_borders_and_focus_can_be_told_from_their_ground(theme: str, chosen: "Page"):
    chosen.evaluate(SET_THEME, theme)
    found = chosen.locator(".elect-gallery").evaluate(DRAWN_PARTS)
    assert {name: ratio for name, ratio in found.items() if ratio < DRAWN} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_of_the_large_view_can_be_read(theme: str, chosen: "Page"):
    chosen.evaluate(SET_THEME, theme)
    tiles(chosen).first.dblclick()
    dialog = chosen.locator("dialog.elect-dialog")
    dialog.wait_for()
    chosen.keyboard.press("r")  # a pressed button has colours of its own
    found = dialog.evaluate(TEXTS)
    assert len(found) >= 8
    assert [one for one in found if one[1] < TEXT] == []
    chosen.keyboard.press("Escape")
    dialog.wait_for(state="detached")


@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_tiles_stay_on_the_node_and_can_be_clicked_near_and_far(scale: float, run: "Page"):
    choose_nothing(run)
    width = run.locator(".elect-gallery").evaluate("(one) => one.clientWidth")
    run.evaluate(ZOOM, scale)
    run.wait_for_timeout(800)
    left, top, right, bottom = run.locator(".elect-gallery").evaluate(BOX)
    node = run.evaluate(NODE_BOX)
    assert right - left == pytest.approx(width * scale, rel=0.05)
    assert node[0] <= left < right <= node[2]
    assert node[1] <= top < bottom <= node[3]
    if run.locator(".isLOD .elect-gallery").count():
        return  # from afar the older Nodes 2.0 let no widget be clicked
    tile = tiles(run).nth(2)
    assert tile.evaluate(MET)
    seed = tile.get_attribute("data-seed")
    tile.click()
    assert run.evaluate(PICKED) == seed
    assert run.errors == []  # type: ignore[attr-defined]
