"""What a template's user is offered where its models are missing: in a dialog, or a newer panel."""

from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_workflows import path_of
from elect_tino.harness.workflows.workflow import load_workflow

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.server, pytest.mark.browser]

LOAD = """async (workflow) => {
    const { setting } = window.app.extensionManager;
    await setting.set("Comfy.Workflow.ShowMissingModelsWarning", true);
    await window.app.loadGraphData(workflow);
}"""


@pytest.mark.parametrize(
    "tab", [("host", "classic"), ("newest", "classic")], indirect=True, ids=["host", "newest"]
)
@pytest.mark.parametrize("name", ["instruct_pix2pix_step_by_step", "flux_kontext"])
def test_every_missing_model_is_offered_for_download(name: str, tab: "Page"):
    workflow = load_workflow(path_of(name))
    models = [
        one["name"] for node in workflow["nodes"] for one in node["properties"].get("models", [])
    ]
    assert models
    tab.evaluate(LOAD, workflow)
    details = tab.get_by_role("button", name="View details")
    offer = tab.get_by_role("button", name="Download")
    offer.or_(details).locator("visible=true").first.wait_for(timeout=30_000)
    if details.locator("visible=true").count():
        details.click()
    for model in models:
        tab.get_by_text(model).last.wait_for(timeout=30_000)
    offer.nth(len(models) - 1).wait_for(timeout=30_000)
    tab.keyboard.press("Escape")
    tab.wait_for_function("() => !document.querySelector('.p-dialog')", timeout=30_000)
