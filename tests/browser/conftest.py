"""The gallery's tests in the oldest and the newest frontend, classic nodes and Nodes 2.0."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
READY = "() => window.app?.graph && window.LiteGraph && window.app.extensionManager"


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
