"""The whole set-up: environment, ComfyUI, and the links between them and this pack."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ..server.links import link_folder
from .environment import ensure_environment, site_packages, venv_python
from .hosts import (
    DEFAULT_HOST,
    HOSTS,
    ensure_comfyui,
    ensure_host_packages,
    own_comfyui,
    own_packages,
)
from .steps import ROOT, clean_env

PACKAGE, PACK_LINK = "elect_tino", "comfyui-elect-tino"


@dataclass(frozen=True)
class Setup:
    """What the set-up made: the ComfyUI folder and the environment for child processes."""

    comfyui: Path
    env: dict[str, str]

    def python(self, *args: str | Path) -> int:
        """Run the environment's Python; returns its exit code."""
        command = [str(venv_python()), *map(str, args)]
        process = subprocess.Popen(command, cwd=ROOT, env=self.env)
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()  # it got the Ctrl-C too: let it stop its own ComfyUI
            raise


def ensure_links(comfyui: Path) -> None:
    """The pack importable as `elect_tino`, ComfyUI's modules importable, the pack in ComfyUI."""
    site = site_packages()
    link_folder(ROOT, site / PACKAGE)
    (site / "comfyui.pth").write_text(f"{comfyui}\n", encoding="utf-8")
    if ROOT.parent != comfyui / "custom_nodes":  # else it was cloned there
        link_folder(ROOT, comfyui / "custom_nodes" / PACK_LINK)


def set_up(version: str = DEFAULT_HOST) -> Setup:
    """Make what is missing; StepFailed where that fails."""
    start = time.monotonic()
    host = HOSTS[version]
    if version == DEFAULT_HOST:
        own_comfyui()  # a wrong path is known before the long steps
        own_packages()
    ensure_environment()
    comfyui = ensure_comfyui(host)
    packages = ensure_host_packages(host)
    if version == DEFAULT_HOST:
        ensure_links(comfyui)
    else:
        link_folder(ROOT, site_packages() / PACKAGE)
    # The current folder stays off sys.path: our nodes/ would shadow ComfyUI's nodes.py. Threads
    # that wait must not spin: on a busy machine that takes several times as long.
    env = {"OMP_WAIT_POLICY": "PASSIVE", **clean_env()} | {
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(map(str, [comfyui, *packages])),
        "COMFYUI_PATH": str(comfyui),
        "ELECT_SETUP_SECONDS": f"{time.monotonic() - start:.1f}",
    }
    return Setup(comfyui, env)
