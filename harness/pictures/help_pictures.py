"""A picture of each node, as ComfyUI's frontend draws it, for its help page.

    python3 dev.py python -m elect_tino.harness.pictures.help_pictures [NAMES]

Writes web/docs/images/<node id>.jpg for all nodes of the pack, or for those whose id holds one of
the names. Nodes of the demo and of the race are shown as a run leaves them. Needs Chromium.
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from ..server.comfy_server import PACK_LINK, PACK_ROOT, ComfyServer
from ..workflows.recipes.titles import title_of
from ..workflows.workflow import DEMO, load_workflow, set_widgets
from .screenshot import LOAD, QUEUE, SETTINGS, frontend

TARGET = PACK_ROOT / "web" / "docs" / "images"
PANEL = 300
"""Width of the frontend's help panel, in pixels; pictures are twice as wide for sharp screens."""
VIEW = {"width": 900, "height": 1300}
MARGIN, TITLE = 8, 30
RACE = DEMO.with_name(f"{title_of('elect_race')}.json")
GALLERIES = ("BISSelect", "ELECTRace")
COUNT = 9

ADD = """(kind) => {
    window.app.graph.clear();
    const node = window.LiteGraph.createNode(kind);
    window.app.graph.add(node);
    node.setSize([Math.max(node.size[0], 340), node.computeSize()[1]]);
}"""
# The node's corner in the window's, and its size there.
PLACE = """([kind, margin, title]) => {
    const node = window.app.graph.nodes.find((one) => one.type === kind);
    const view = window.app.canvas.ds;
    view.scale = 1;
    view.offset[0] = margin - node.pos[0];
    view.offset[1] = margin + title - node.pos[1];
    window.app.canvas.deselectAll?.();
    window.app.canvas.setDirty(true, true);
    return [...node.size];
}"""
DONE = """(count) => {
    const finished = [...document.querySelectorAll(".elect-finished img")];
    return document.querySelectorAll(".elect-tile[data-seed]").length >= count
        && finished.length > 1 && finished.every((one) => one.complete && one.naturalWidth > 0);
}"""


def shoot(page: Page, kind: str) -> Path:
    """Write what is seen of the first node of a kind."""
    page.evaluate(PLACE, [kind, MARGIN, TITLE])
    page.wait_for_timeout(900)
    width, height = page.evaluate(PLACE, [kind, MARGIN, TITLE])
    box = {"x": 0, "y": 0, "width": width + 2 * MARGIN, "height": height + TITLE + 2 * MARGIN}
    with Image.open(BytesIO(page.screenshot(clip=box))) as picture:  # type: ignore[arg-type]
        small = picture.convert("RGB")
    small.thumbnail((2 * PANEL, 4 * PANEL))
    path = TARGET / f"{kind}.jpg"
    small.save(path, quality=80)
    return path


def run(page: Page, path: Path) -> list[str]:
    """Run a workflow with fewer candidates; returns the types of the nodes in it."""
    workflow = load_workflow(path)
    set_widgets(workflow, "MultiSeedPartialSampler", {2: COUNT})
    page.evaluate(LOAD, workflow)
    (gallery,) = [n["type"] for n in workflow["nodes"] if n["type"] in GALLERIES]
    page.evaluate(PLACE, [gallery, MARGIN, TITLE])  # pictures load only where they are seen
    page.evaluate(QUEUE)
    page.wait_for_function(DONE, arg=COUNT, timeout=240_000)
    page.wait_for_timeout(6000)  # the toast that says so
    return [node["type"] for node in workflow["nodes"]]


def main(argv: list[str] | None = None) -> int:
    wanted = sys.argv[1:] if argv is None else argv
    TARGET.mkdir(exist_ok=True)
    with ComfyServer() as server, frontend(server, VIEW, SETTINGS) as page:
        info = server.object_info()
        open_ = {key for key, one in info.items() if one["python_module"].endswith(PACK_LINK)}
        open_ = {key for key in open_ if not wanted or any(name in key for name in wanted)}
        for path, kinds in ((DEMO, None), (RACE, {"ELECTRace"})):
            if not open_ & (kinds or {"BISSelect"}):
                continue
            for kind in sorted(open_.intersection(run(page, path), kinds or open_)):
                print(shoot(page, kind), flush=True)
                open_.remove(kind)
        for kind in sorted(open_):
            page.evaluate(ADD, kind)
            print(shoot(page, kind), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
