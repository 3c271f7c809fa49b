"""The gallery of a node that was run for a list of pictures: one election each."""

from typing import TYPE_CHECKING

import pytest

from .test_gallery import COUNT, ELECTION, LOAD, PICKED, RUN, demo, tiles, wait_for_end

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

TWO_PICTURES = """() => {
    const { graph } = window.app;
    const one = (type) => graph.nodes.find((node) => node.type === type);
    const made = (type, at) => {
        const node = window.LiteGraph.createNode(type);
        node.pos = [-1200, at];
        graph.add(node);
        return node;
    };
    const given = (node, name) => node.inputs.findIndex((input) => input.name === name);
    const example = made("EmbeddedExample", 0), batch = made("ImageBatch", 400);
    const each = made("RebatchImages", 600);
    const [names] = example.widgets;
    const known = one("EmbeddedExample").widgets[0].value;
    names.value = names.options.values.find((name) => name !== known);
    each.widgets.find((widget) => widget.name === "batch_size").value = 1;
    one("EmbeddedExample").connect(0, batch, given(batch, "image1"));
    example.connect(0, batch, given(batch, "image2"));
    batch.connect(0, each, given(each, "images"));
    for (const [type, name] of [["InstructPixToPixConditioning", "pixels"],
                                ["RelevanceMapAggregate", "image"]])
        each.connect(0, one(type), given(one(type), name));
}"""
PAGER = ".elect-pager span"


@pytest.fixture(scope="module")
def page(tab: "Page") -> "Page":
    tab.evaluate(LOAD, demo())
    tab.evaluate(TWO_PICTURES)
    tab.evaluate(RUN)
    wait_for_end(tab)
    tiles(tab).nth(COUNT - 1).wait_for(timeout=30_000)
    return tab


def headline(page: "Page") -> str:
    return page.locator(".elect-said strong").inner_text()


def test_each_picture_has_its_election_and_a_button_leads_to_it(page: "Page"):
    first = page.evaluate(ELECTION)
    (second,) = first["more"]
    assert first["scores"] != second["scores"]
    assert page.locator(PAGER).inner_text() == "Picture 1 of 2"
    assert f"#{first['best'] + 1}" in headline(page)
    page.get_by_role("button", name="The next picture").click()
    assert page.locator(PAGER).inner_text() == "Picture 2 of 2"
    assert f"#{second['best'] + 1}" in headline(page)
    assert tiles(page).count() == COUNT
    shown = [tiles(page).nth(place).get_attribute("data-seed") for place in range(COUNT)]
    assert shown == [second["seeds"][index] for index in second["order"]]
    best = page.locator(".elect-details tr").nth(1).locator("td")
    assert best.nth(1).text_content() == str(second["best"] + 1)
    page.get_by_role("button", name="The next picture").click()
    assert page.locator(PAGER).inner_text() == "Picture 1 of 2"


def test_finished_pictures_go_to_the_election_they_are_of(page: "Page"):
    first = page.evaluate(ELECTION)
    files = [
        one["finished"][one["seeds"][one["elected"]]]["filename"] for one in (first, *first["more"])
    ]
    assert len(set(files)) == 2
    seed = tiles(page).nth(2).get_attribute("data-seed")
    tiles(page).nth(2).click()
    assert page.evaluate(PICKED) == seed
    page.get_by_role("button", name="Finish it", exact=True).click()
    wait_for_end(page, 2)
    record = page.evaluate(ELECTION)
    for one, before in zip((record, *record["more"]), files, strict=True):
        assert one["finished"][seed]["filename"] != before
        assert one["finished"][one["seeds"][one["best"]]]["filename"] == before
    assert page.errors == []  # type: ignore[attr-defined]
