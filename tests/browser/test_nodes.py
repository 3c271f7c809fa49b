"""How new nodes start out, and what the texts on nodes survive, in four combinations."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

ADD = """async (kind) => {
    window.app.graph.clear();
    await new Promise((done) => setTimeout(done, 300));  // 1.49 takes a new node for the last one
    const node = window.LiteGraph.createNode(kind);
    node.pos = [300, 120];
    window.app.graph.add(node);
    const view = window.app.canvas.ds;
    view.scale = 1;
    view.offset[0] = 0;
    view.offset[1] = 0;
    await new Promise((done) => setTimeout(done, 500));
    const widgets = node.widgets ?? [];
    const control = widgets.find((one) => one.name === "control_after_generate");
    return {
        control: control?.value,
        size: [...node.size],
        folded: widgets.filter((one) => one.options?.advanced).map((o) => o.name),
    };
}"""
COLOUR = """() => [
    window.app.canvas.default_connection_color_byType.ELECT_CANDIDATES,
    getComputedStyle(document.body).getPropertyValue("--color-datatype-ELECT_CANDIDATES").trim(),
]"""
IN_SUBGRAPH = """async (text) => {
    const { app } = window;
    app.graph.clear();
    const node = window.LiteGraph.createNode("MultiSeedPartialSampler");
    app.graph.add(node);
    const { subgraph, node: outer } = app.graph.convertToSubgraph(new Set([node]));
    const inner = [...subgraph.nodes][0];
    const decoy = window.LiteGraph.createNode("MultiSeedPartialSampler");
    app.graph.add(decoy);
    app.nodeOutputs[`${outer.id}:${inner.id}`] = { text: [text] };
    app.nodeOutputs[inner.id] = { text: ["another node's"] };
    const extension = app.extensions.find((one) => one.name === "elect.tables");
    extension.loadedGraphNode(inner);
    await new Promise((done) => setTimeout(done, 300));
    return inner.widgets.find((one) => one.name === "elect_text").value;
}"""
FROM_A_FILE = """async (kind) => {
    const { app } = window;
    app.graph.clear();
    app.graph.add(window.LiteGraph.createNode(kind));
    const control = () => app.graph.nodes[0].widgets
        .find((one) => one.name === "control_after_generate");
    control().value = "randomize";
    await app.loadGraphData(app.graph.serialize());
    return control().value;
}"""
SAMPLERS = ("MultiSeedPartialSampler", "ELECTSampler", "TiNOOptimize")


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_new_sampler_keeps_its_seed(kind: str, tab: "Page"):
    """Else another choice would be made among other candidates."""
    assert tab.evaluate(ADD, kind)["control"] == "fixed"


def test_a_file_that_asks_for_other_seeds_goes_on_asking(tab: "Page"):
    assert tab.evaluate(FROM_A_FILE, "ELECTSampler") == "randomize"


@pytest.mark.parametrize("kind", ["BISSelect", "ELECTSampler", "ELECTRace"])
def test_a_new_chooser_has_room_for_its_tiles(kind: str, tab: "Page"):
    width, height = tab.evaluate(ADD, kind)["size"]
    assert width >= 420
    assert height >= 300


def test_what_few_need_is_marked_for_folding(tab: "Page"):
    made = tab.evaluate(ADD, "ELECTSampler")
    assert {"minimum_edit", "ram_limit_mb", "form", "pick_seeds"} <= set(made["folded"])
    assert not {"num_candidates", "stop", "first_seed"} & set(made["folded"])


def test_wires_of_candidates_have_a_colour(tab: "Page"):
    for colour in tab.evaluate(COLOUR):
        assert colour.startswith("#")


def test_a_text_in_a_subgraph_is_that_nodes_own(tab: "Page"):
    assert tab.evaluate(IN_SUBGRAPH, "3 candidates stopped") == "3 candidates stopped"
    assert tab.errors == []  # type: ignore[attr-defined]
