"""A blueprint found by its name, dropped into a graph, wired and run, in four combinations."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

TITLE = "Edit with election (InstructPix2Pix family)"
SOCKETS = ["model", "clip", "vae", "image"]
ASKED = {"instruction": "make the dress red", "num_candidates": 8, "first_seed": 0, "steps": 0}
EMPTY = """() => { window.app.graph.clear(); window.app.canvas.setDirty(true, true) }"""
HOST = "window.app.graph.nodes.find((node) => node.subgraph)"
FACTS = f"""() => {{ const node = {HOST};
    return node && {{
        title: node.title,
        inputs: node.inputs.map((one) => one.name),
        outputs: node.outputs.map((one) => one.name),
        widgets: Object.fromEntries(node.widgets.map((one) => [one.name, one.value])),
    }} }}"""
WIRE_AND_RUN = f"""async () => {{
    const {{ graph, canvas }} = window.app;
    const add = (kind, x) => {{
        const node = window.LiteGraph.createNode(kind);
        node.pos = [x, 600];
        graph.add(node);
        return node;
    }};
    const host = {HOST};
    const [model, picture, save] = [
        add("EmbeddedModelLoader", -400), add("EmbeddedExample", -800), add("SaveImage", 1500),
    ];
    for (const slot of [0, 1, 2]) model.connect(slot, host, slot);
    picture.connect(0, host, 3);
    host.connect(0, save, 0);
    const set = (name, value) => {{
        const widget = host.widgets.find((one) => one.name === name);
        widget.value = value;
        widget.callback?.(value);
    }};
    set("instruction", "paint the blue square red");
    set("num_candidates", 4);
    set("steps", 4);
    window.done = false;
    window.app.api.addEventListener("executing", ({{ detail }}) => {{
        if (detail === null) window.done = true;
    }});
    await window.app.queuePrompt(0, 1);
}}"""
ENTER = f"() => window.app.canvas.openSubgraph({HOST}.subgraph, {HOST})"
INSIDE = "window.app.canvas.graph.nodes.some((one) => one.type === 'ELECTSampler')"
SHOW = """() => {
    const node = window.app.canvas.graph.nodes.find((one) => one.type === "ELECTSampler");
    const view = window.app.canvas.ds;
    view.scale = 1;
    view.offset[0] = 300 - node.pos[0];
    view.offset[1] = 60 - node.pos[1] - Math.max(0, node.size[1] - 800);
    window.app.canvas.setDirty(true, true);
}"""

ELECTED = """() => {
    const node = window.app.canvas.graph.nodes.find((one) => one.type === "ELECTSampler");
    const { seeds, elected } = node.properties.elect_gallery;
    return seeds[elected];
}"""


def search_for(tab: "Page", text: str) -> None:
    """Double click on the empty canvas and type; a page that still wakes up misses the click."""
    search = tab.locator("input:focus")
    for _ in range(6):
        tab.mouse.dblclick(800, 500)
        tab.wait_for_timeout(2000)
        if search.count():
            break
    search.type(text)


def test_a_blueprint_is_found_wired_and_run(tab: "Page"):
    tab.evaluate(EMPTY)
    search_for(tab, "Edit with election (Instruct")
    tab.get_by_text(TITLE).first.wait_for()
    tab.wait_for_timeout(500)  # the first of the list is marked a moment later
    tab.keyboard.press("Enter")
    tab.wait_for_function(f"() => Boolean({HOST})")
    # The newer search lets it hang on the mouse until a click puts it down.
    tab.mouse.move(500, 400)
    tab.wait_for_timeout(1000)
    tab.mouse.click(300, 300, delay=100)
    tab.wait_for_timeout(1000)
    facts = tab.evaluate(FACTS)
    assert facts["title"] == TITLE
    assert [name for name in facts["inputs"] if name not in facts["widgets"]] == SOCKETS
    assert facts["outputs"] == ["image", "source", "relevance", "seed", "candidates"]
    assert {name: facts["widgets"][name] for name in ASKED} == ASKED

    tab.evaluate(WIRE_AND_RUN)
    tab.wait_for_function("() => window.done", timeout=120_000)
    tab.evaluate(ENTER)
    tab.wait_for_function(f"() => {INSIDE}", timeout=20_000)
    tab.evaluate(SHOW)
    tiles = tab.locator(".elect-tile[data-seed]:visible")
    tiles.nth(3).wait_for(timeout=30_000)
    assert tiles.count() == 4
    seed = tiles.nth(2).get_attribute("data-seed")
    assert seed != tab.evaluate(ELECTED)
    tiles.nth(2).dispatch_event("click")
    tab.evaluate("() => { window.done = false }")
    tab.locator(".elect-gallery:visible").get_by_role("button", name="Finish it").click()
    tab.wait_for_function("() => window.done", timeout=120_000)
    tab.wait_for_function(f"(seed) => ({ELECTED})() === seed", arg=seed, timeout=30_000)
    assert "Not finished yet" not in tab.locator(".elect-said:visible").inner_text()
