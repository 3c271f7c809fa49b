"""The example workflows, the table box and the help pages in ComfyUI's real frontend."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_workflows import ALL_RECIPES, FOLDER, path_of
from elect_tino.harness.pictures.ready import READY
from elect_tino.harness.server.comfy_server import PACK_LINK
from elect_tino.harness.workflows.workflow import NOTES, load_workflow, set_widgets, to_prompt

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = [pytest.mark.server, pytest.mark.browser]

RECIPES = [make() for make in ALL_RECIPES]
NAMES = sorted(path_of(one.name).stem for one in RECIPES if not one.host)
"""Files with widgets of a newer ComfyUI's nodes are not what the pinned one would save."""

LOAD = """async (workflow) => {
    await window.app.loadGraphData(workflow);
    const known = window.LiteGraph.registered_node_types;
    return window.app.graph.nodes.map((node) => [node.type, !(node.type in known)]);
}"""
TO_PROMPT = "async () => (await window.app.graphToPrompt()).output"
SAVED = "() => window.app.graph.serialize().nodes.map((n) => [n.id, n.widgets_values ?? []])"
QUEUE = "async () => { await window.app.queuePrompt(0, 1) }"
NEW_TAB = "() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')"
NODE = "window.app.graph.nodes.find((node) => node.type === '{0}')"
BOX = NODE + ".widgets.find((widget) => widget.name === 'elect_text')"


SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Workflow.ShowMissingModelsWarning": False}


@pytest.fixture(scope="module")
def page(browser: "Browser", comfy_server: "ComfyServer") -> "Iterator[Page]":
    """One tab for all of these tests: loading the frontend takes most of their time."""
    comfy_server.post("/settings", SETTINGS).raise_for_status()
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    tab = context.new_page()
    tab.goto(comfy_server.url, wait_until="commit", timeout=120_000)
    tab.wait_for_function(READY, timeout=120_000)
    yield tab
    context.close()


def inputs_of(prompt: dict) -> dict:
    return {key: (node["class_type"], node["inputs"]) for key, node in prompt.items()}


@pytest.mark.parametrize("name", NAMES)
def test_loads_and_goes_round_unchanged(name: str, server: "ComfyServer", page: "Page"):
    workflow = load_workflow(FOLDER / f"{name}.json")
    loaded = page.evaluate(LOAD, workflow)
    assert sorted(kind for kind, _ in loaded) == sorted(n["type"] for n in workflow["nodes"])
    assert [kind for kind, missing in loaded if missing] == []
    ours = to_prompt(workflow, server.object_info())
    assert inputs_of(page.evaluate(TO_PROMPT)) == inputs_of(ours)
    before = {n["id"]: n["widgets_values"] for n in workflow["nodes"] if n["type"] not in NOTES}
    after = dict(page.evaluate(SAVED))
    # A newer ComfyUI's own nodes have a few widgets more, and the frontend writes 1.0 as 1.
    assert {key: after[key][: len(before[key])] for key in before} == before


def small_demo() -> dict:
    workflow = load_workflow(path_of("elect_embedded_demo"))
    set_widgets(workflow, "BasicScheduler", {1: 5})
    set_widgets(workflow, "MultiSeedPartialSampler", {2: 3})
    return workflow


def run(page: "Page", workflow: dict) -> None:
    page.evaluate(LOAD, workflow)
    page.evaluate(QUEUE)
    wait_for_line(page)


def wait_for_line(page: "Page") -> None:
    kind = "MultiSeedPartialSampler"
    page.wait_for_function(f"() => {NODE.format(kind)}?.widgets.at(-1)", timeout=120_000)
    page.wait_for_function(f"() => {BOX.format(kind)}.value !== ''", timeout=120_000)


def test_what_was_run_shows_and_comes_back(page: "Page"):
    workflow = small_demo()
    run(page, workflow)
    line = page.evaluate(f"() => {BOX.format('MultiSeedPartialSampler')}.value")
    assert line.startswith("3 candidates stopped after 2 of 5 steps")
    assert page.evaluate(f"() => {BOX.format('MultiSeedPartialSampler')}.element.readOnly")
    # What a run reports belongs neither in the prompt nor in the file.
    prompt = page.evaluate(TO_PROMPT)
    assert not any("elect_text" in node["inputs"] for node in prompt.values())
    saved = page.evaluate("() => JSON.stringify(window.app.graph.serialize())")
    assert "3 candidates stopped" not in saved
    # Another workflow's tab, and back.
    page.evaluate(NEW_TAB)
    page.wait_for_function("() => window.app.graph.nodes.length === 0")
    page.locator(".workflow-tabs .p-togglebutton").nth(-2).click()
    wait_for_line(page)
    assert page.evaluate(f"() => {BOX.format('MultiSeedPartialSampler')}.value") == line


def test_text_is_never_read_as_markup(page: "Page"):
    page.evaluate(LOAD, small_demo())
    shown = "<img src=x onerror='window.harmed = true'>"
    kind = NODE.format("MultiSeedPartialSampler")
    page.evaluate(f"(text) => {kind}.onExecuted({{ text: [text] }})", shown)
    page.wait_for_timeout(300)
    box = BOX.format("MultiSeedPartialSampler")
    assert page.evaluate(f"() => {box}.element.value") == shown
    assert page.evaluate("() => window.harmed === undefined")


def test_help_page_opens_from_the_node(page: "Page"):
    page.evaluate(LOAD, small_demo())
    page.evaluate(
        f"() => {{ const node = {NODE.format('BISSelect')}; window.app.canvas.selectNode(node) }}"
    )
    page.get_by_test_id("info-button").or_(page.locator(".help-button")).first.click()
    page.get_by_role("heading", name="Reading the table").wait_for(timeout=20_000)


def test_templates_offer_the_workflows_with_thumbnails(server: "ComfyServer", page: "Page"):
    every = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert sorted(server.get("/workflow_templates")[PACK_LINK]) == every
    for name in NAMES:
        answer = page.request.get(f"{server.url}/api/workflow_templates/{PACK_LINK}/{name}.jpg")
        assert answer.ok
        assert answer.headers["content-type"] == "image/jpeg"
