"""What the tests share: ComfyUI in this process, a real server, a browser.

Pure tests (elect_core) use none of it. Tests that import `comfy` carry the mark `comfy`, those
that use the `server` fixture the mark `server`, those that use `page` the mark `browser`.
"""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from elect_tino.harness.server.comfy_server import ComfyServer

# Read when torch is first imported, here and in the server: threads gain nothing on the tests'
# tiny tensors, and on a busy machine waiting for each other they take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A judge's key, which the server of the tests has from its start.
os.environ.setdefault("ELECT_TESTS_API_KEY", "sk-of-the-tests-0123456789")

SMALL_MODELS = Path(__file__).resolve().parent / "workflows" / "small_models"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_configure(config: pytest.Config) -> None:
    """Settle ComfyUI's options before any test module can import the rest of it.

    Only comfy.cli_args is imported, which is light; without a GPU its model management would
    raise at import unless `cpu` is set, and its folders would be those of the checkout.
    """
    if importlib.util.find_spec("comfy") is None:
        return
    from comfy.cli_args import args

    args.cpu = not gpu_present()
    args.base_directory = tempfile.mkdtemp(prefix="elect-inprocess-")
    args.database_url = "sqlite:///:memory:"
    config.add_cleanup(lambda: shutil.rmtree(args.base_directory, ignore_errors=True))


def gpu_present() -> bool:
    """As harness.comfy_server.has_gpu, but without importing torch where there is no driver."""
    if shutil.which("nvidia-smi") is None and os.name != "nt" and os.uname().sysname == "Linux":
        return False
    from elect_tino.harness.server.comfy_server import has_gpu

    return has_gpu()


@pytest.fixture(scope="session")
def comfy_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[ComfyServer]":
    """One real ComfyUI for the whole session; a failure to start is an error with its log."""
    from elect_tino.harness.server.comfy_server import ComfyServer
    from elect_tino.harness.server.links import link_folder

    base = tmp_path_factory.mktemp("comfyui")
    (base / "custom_nodes").mkdir()
    link_folder(SMALL_MODELS, base / "custom_nodes" / SMALL_MODELS.name)
    with ComfyServer(base) as running:
        yield running


@pytest.fixture
def server(comfy_server: "ComfyServer") -> "Iterator[ComfyServer]":
    """The session's server, which must still be alive after each test."""
    comfy_server.check_alive()
    yield comfy_server
    comfy_server.check_alive()


def find_chromium() -> str | None:
    """CHROMIUM_PATH, else the first browser of that family on the PATH."""
    named = os.environ.get("CHROMIUM_PATH")
    if named:
        return named
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: install the package `chromium` or set CHROMIUM_PATH")
    if not Path(executable).exists():
        pytest.fail(f"CHROMIUM_PATH names {executable}, which does not exist")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: "Browser", server: "ComfyServer") -> "Iterator[Page]":
    """ComfyUI's real frontend, loaded and ready, in a fresh browser profile."""
    from elect_tino.harness.pictures.ready import READY

    server.post("/settings", {"Comfy.TutorialCompleted": True}).raise_for_status()
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    tab = context.new_page()
    tab.goto(server.url, wait_until="commit", timeout=120_000)
    tab.wait_for_function(READY, timeout=120_000)
    yield tab
    context.close()
