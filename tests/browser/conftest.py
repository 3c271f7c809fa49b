"""The gallery's tests in the oldest and the newest frontend, classic nodes and Nodes 2.0."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.pictures.ready import READY
from elect_tino.harness.server.comfy_server import PACK_ROOT, ComfyServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PACKAGE = "comfyui-frontend-package"
STATIC = "comfyui_frontend_package/static"
NEWEST = PACK_ROOT / ".cache" / "frontends" / "newest"
COMBINATIONS = [
    pytest.param((age, nodes), id=f"{age}-{nodes}")
    for age in ("host", "newest")
    for nodes in ("classic", "nodes2")
]
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Workflow.ShowMissingModelsWarning": False,
    "Comfy.Workflow.Persist": False,
    "Comfy.Queue.ShowFlattened": False,
}


BOXES = """() => {
    const { canvas, graph } = window.app;
    const { scale, offset } = canvas.ds;
    const area = canvas.canvas.getBoundingClientRect();
    return graph.nodes.map((node) => {
        const drawn = document.querySelector(`.lg-node[data-node-id="${node.id}"]`);
        const [x, y, width, height] = [...node.pos, ...node.size];
        if (!drawn) return [node.title, x, y - 30, x + width, y + height];
        const { left, top, right, bottom } = drawn.getBoundingClientRect();
        const across = [left, right].map((at) => (at - area.left) / scale - offset[0]);
        const down = [top, bottom].map((at) => (at - area.top) / scale - offset[1]);
        return [node.title, across[0], down[0], across[1], down[1]];
    });
}"""
"""What each node takes of the canvas, its title included, as it is drawn."""


def overlaps(boxes: list[list]) -> list[tuple[str, str]]:
    """Pairs of titles of nodes that lie on each other by more than a pixel."""
    return [
        (a[0], b[0])
        for place, a in enumerate(boxes)
        for b in boxes[:place]
        if a[1] < b[3] - 1 and b[1] < a[3] - 1 and a[2] < b[4] - 1 and b[2] < a[4] - 1
    ]


def choose_nothing(page: "Page") -> None:
    """Go back to the automatic choice; the button may lie out of the window's sight."""
    automatic = page.get_by_role("button", name="Automatic", exact=True)
    if automatic.count():
        automatic.evaluate("(one) => one.click()")


def newest_frontend() -> Path:
    """Of the package in ELECT_NEWEST_FRONTEND or in .cache; skips the test without one."""
    folder = Path(os.environ.get("ELECT_NEWEST_FRONTEND") or NEWEST) / STATIC
    if not (folder / "index.html").exists():
        pytest.skip(f"no newest frontend: `pip install --no-deps --target {NEWEST} {PACKAGE}`")
    return folder


@pytest.fixture(scope="module")
def frontend_server(
    tmp_path_factory: pytest.TempPathFactory, comfy_server: ComfyServer
) -> "Iterator[Callable[[str], ComfyServer]]":
    """A server with the frontend of an age; the host's own is the session's server."""
    started: dict[str, ComfyServer] = {"host": comfy_server}

    def serve(age: str) -> ComfyServer:
        if age not in started:
            folder = newest_frontend()
            base = tmp_path_factory.mktemp(age)
            started[age] = ComfyServer(base, ("--front-end-root", str(folder))).start()
        return started[age]

    yield serve
    for age, server in started.items():
        if age != "host":
            server.stop()


@pytest.fixture(scope="module", params=COMBINATIONS)
def tab(request: pytest.FixtureRequest, browser: "Browser", frontend_server) -> "Iterator[Page]":
    """One page of a frontend and a kind of nodes, for all tests of a module."""
    age, nodes = request.param
    server = frontend_server(age)
    settings = {**SETTINGS, "Comfy.VueNodes.Enabled": nodes == "nodes2"}
    server.post("/settings", settings).raise_for_status()
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    page.errors = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.errors.append(str(error)))  # type: ignore[attr-defined]
    page.goto(server.url, wait_until="commit", timeout=120_000)
    page.wait_for_function(READY, timeout=120_000)
    yield page
    context.close()
    server.post("/settings", {**SETTINGS, "Comfy.VueNodes.Enabled": False}).raise_for_status()
