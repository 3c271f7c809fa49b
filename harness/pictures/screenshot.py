"""Pictures of a workflow in ComfyUI's own frontend: the README's two.

    python3 dev.py python -m elect_tino.harness.pictures.screenshot

Needs Chromium on the PATH, or its path in CHROMIUM_PATH.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from ..server.comfy_server import PACK_ROOT, ComfyServer
from ..workflows.workflow import DEMO, load_workflow
from .ready import READY

TARGET = PACK_ROOT / "docs" / "images" / "elect_in_comfyui.jpg"
GALLERY = TARGET.with_name("gallery.jpg")
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VIEW = {"width": 1240, "height": 1080}
SETTINGS: dict[str, object] = {
    "Comfy.TutorialCompleted": True,
    "Comfy.NodeBadge.NodeSourceBadgeMode": "None",
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.Graph.CanvasMenu": False,
    "Comfy.Workflow.ShowMissingModelsWarning": False,
}
LONG = 400_000
"""Milliseconds that a busy machine may take to load the frontend."""
FIRST_GROUP, MARGIN = 2, 30

LOAD = "async (workflow) => { await window.app.loadGraphData(workflow) }"
QUEUE = "async () => { await window.app.queuePrompt(0, 1) }"
FINISHED = """() =>
    document.querySelectorAll(".elect-gallery img").length > 0 &&
    window.app.graph.nodes.filter((n) => ["SaveImage", "PreviewImage"].includes(n.type))
        .every((n) => n.imgs?.length)"""
FOCUS = "() => window.app.extensionManager.command.execute('Workspace.ToggleFocusMode')"
# Groups from the third on: the first two hold nothing that a run fills in.
FRAME = """([first, margin]) => {
    const boxes = window.app.graph.groups.slice(first).map((group) => group._bounding);
    const left = Math.min(...boxes.map((b) => b[0])) - margin;
    const top = Math.min(...boxes.map((b) => b[1])) - margin;
    const right = Math.max(...boxes.map((b) => b[0] + b[2])) + margin;
    const bottom = Math.max(...boxes.map((b) => b[1] + b[3])) + margin;
    const scale = Math.min(innerWidth / (right - left), innerHeight / (bottom - top));
    const view = window.app.canvas.ds;
    view.scale = scale;
    view.offset[0] = -left + (innerWidth / scale - (right - left)) / 2;
    view.offset[1] = -top + (innerHeight / scale - (bottom - top)) / 2;
    window.app.canvas.setDirty(true, true);
}"""


NEAR = """() => {
    const node = window.app.graph.nodes.find((one) => one.type === "BISSelect");
    const view = window.app.canvas.ds;
    view.scale = 1.9;
    view.offset[0] = 60 - node.pos[0];
    view.offset[1] = 540 / view.scale - node.pos[1] - node.size[1] / 2 - 40;
    window.app.canvas.setDirty(true, true);
}"""


def chromium() -> str:
    found = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    if not found:
        raise FileNotFoundError("no Chromium: install it or set CHROMIUM_PATH")
    return found


@contextmanager
def frontend(
    server: ComfyServer, view: dict[str, int], settings: dict[str, object] = SETTINGS
) -> Iterator[Page]:
    """ComfyUI's page in a browser window of a size, without side bars."""
    server.post("/settings", settings).raise_for_status()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
        page = browser.new_context(viewport=view).new_page()  # type: ignore[arg-type]
        page.goto(server.url, wait_until="commit", timeout=LONG)
        page.wait_for_function(READY, timeout=LONG)
        page.evaluate(FOCUS)
        yield page
        browser.close()


def show(page: Page, workflow: dict, first_group: int = 0) -> None:
    """Load a workflow and fill the window with its frames, from the given one on."""
    page.evaluate(LOAD, workflow)
    page.evaluate(FRAME, [first_group, MARGIN])


def take(page: Page, path: Path) -> None:
    """Load the demo, run it, wait for every picture, and write what is seen."""
    show(page, load_workflow(DEMO), FIRST_GROUP)  # pictures load only where they are seen
    page.evaluate(QUEUE)
    page.wait_for_function(FINISHED, timeout=LONG)
    page.wait_for_timeout(3000)  # the toast that says so
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, type="jpeg", quality=80)


def take_gallery(page: Page, path: Path) -> None:
    """The gallery of the demo that has run, near enough to be read."""
    page.evaluate(NEAR)
    page.wait_for_timeout(1500)
    page.locator(".elect-gallery").first.screenshot(path=path, type="jpeg", quality=85)


def main() -> int:
    with ComfyServer() as server, frontend(server, VIEW) as page:
        take(page, TARGET)
        take_gallery(page, GALLERY)
    print(TARGET, GALLERY)
    return 0


if __name__ == "__main__":
    sys.exit(main())
