"""The gallery in the oldest and the newest frontend, classic nodes and Nodes 2.0, as pictures.

    python3 dev.py python -m elect_tino.harness.pictures.gallery_shots [FOLDER]

The pinned ComfyUI's own frontend is the oldest; FOLDER holds the newest, as `pip install --no-deps
--target FOLDER comfyui-frontend-package` leaves it (as a rule .cache/frontends/newest). Writes
docs/images/gallery_<frontend>_<nodes>.jpg. Needs Chromium, as the other screenshots do.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page

from ..server.comfy_server import PACK_ROOT, ComfyServer
from ..workflows.workflow import DEMO, load_workflow, set_widgets
from .screenshot import LOAD, LONG, QUEUE, SETTINGS, frontend

NEWEST = PACK_ROOT / ".cache" / "frontends" / "newest"
STATIC = "comfyui_frontend_package/static"
TARGET = "docs/images/gallery_{age}_{nodes}.jpg"
VIEW = {"width": 780, "height": 900}
NODES = {"classic": False, "nodes2": True}
COUNT = 9

# The gallery's node at the left edge, the finishing one and the result beside it.
FRAME = """() => {
    const node = window.app.graph.nodes.find((one) => one.type === "BISSelect");
    const view = window.app.canvas.ds;
    view.scale = Math.min(0.85, (innerHeight - 110) / node.size[1]);
    view.offset[0] = 40 - node.pos[0];
    view.offset[1] = 70 - node.pos[1];
    window.app.canvas.setDirty(true, true);
}"""
DONE = """(count) => {
    const finished = [...document.querySelectorAll(".elect-finished img")];
    return finished.length === 2 * count
        && finished.every((one) => one.complete && one.naturalWidth > 0);
}"""
TILE = ".elect-tile[data-seed]"


def small_demo() -> dict:
    """The demo with fewer candidates."""
    workflow = load_workflow(DEMO)
    set_widgets(workflow, "MultiSeedPartialSampler", {2: COUNT})
    return workflow


def take(page: Page, path: Path) -> None:
    """Run the demo, finish its second best candidate too, and write what is seen."""
    page.evaluate(LOAD, small_demo())
    page.evaluate(FRAME)
    page.evaluate(QUEUE)
    page.wait_for_function(DONE, arg=1, timeout=LONG)
    page.locator(TILE).nth(1).click()
    page.get_by_role("button", name="Finish it").click()
    page.wait_for_function(DONE, arg=2, timeout=LONG)
    page.evaluate(FRAME)
    page.mouse.move(5, VIEW["height"] - 5)
    page.wait_for_timeout(5000)  # the toast that says so
    page.screenshot(path=path, type="jpeg", quality=80)


def main(argv: list[str] | None = None) -> int:
    folder = Path(next(iter(sys.argv[1:] if argv is None else argv), NEWEST)) / STATIC
    if not (folder / "index.html").exists():
        print(f"No frontend at {folder}: pip install --no-deps --target it, see above.")
        return 1
    for age, options in {"oldest": (), "newest": ("--front-end-root", str(folder))}.items():
        for nodes, vue in NODES.items():
            settings = {**SETTINGS, "Comfy.VueNodes.Enabled": vue}
            path = PACK_ROOT / TARGET.format(age=age, nodes=nodes)
            with ComfyServer(None, options) as server, frontend(server, VIEW, settings) as page:
                take(page, path)
            print(path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
