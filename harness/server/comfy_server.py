"""A real ComfyUI process of our own: free port, its own folders, the pack linked in."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from .client import ComfyClient, NotUnderstood
from .links import link_folder, remove_link

PACK_ROOT = Path(__file__).resolve().parents[2]
PACK_LINK = "comfyui-elect-tino"
FOLDERS = ("custom_nodes", "input", "models", "output", "temp", "user")
LOG_TAIL = 40


def comfy_path() -> Path:
    """The ComfyUI folder: COMFYUI_PATH, or where the environment imports it from."""
    named = os.environ.get("COMFYUI_PATH")
    if named:
        return Path(named).resolve()
    spec = importlib.util.find_spec("comfy_execution")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("no ComfyUI: run `python3 dev.py test` first or set COMFYUI_PATH")
    return Path(next(iter(spec.submodule_search_locations))).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_gpu() -> bool:
    import torch

    mps = getattr(torch.backends, "mps", None)
    return torch.cuda.is_available() or (mps is not None and mps.is_available())


class ComfyServer(ComfyClient):
    """Starts on `with`, stops on leaving it; everything it writes is under `base`.

    base         folder for input, output, models, user; a temporary one if None
    extra_args   further arguments of ComfyUI's main.py
    """

    def __init__(self, base: Path | None = None, extra_args: tuple[str, ...] = ()) -> None:
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self._owns_base = base is None
        self.base = Path(base or tempfile.mkdtemp(prefix="elect-comfy-"))
        self.log_path = self.base / "server.log"
        self.extra_args = extra_args
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        command = [sys.executable, str(comfy_path() / "main.py"), "--disable-auto-launch"]
        command += ["--listen", "127.0.0.1", "--port", str(self.port)]
        command += ["--base-directory", str(self.base), "--preview-method", "auto"]
        command += ["--database-url", f"sqlite:///{(self.base / 'user/comfyui.db').as_posix()}"]
        if not has_gpu():
            command.append("--cpu")
        return [*command, *self.extra_args]

    def start(self, timeout: float = 180) -> "ComfyServer":
        for name in FOLDERS:
            (self.base / name).mkdir(parents=True, exist_ok=True)
        link_folder(PACK_ROOT, self.base / "custom_nodes" / PACK_LINK)
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.base,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        try:
            self._wait_until_ready(timeout)
        except BaseException:
            self.stop()
            raise
        return self

    def environment(self) -> dict[str, str]:
        """Ours, with ComfyUI first among the imports (its folder is not always in the .pth)."""
        paths = [str(comfy_path()), os.environ.get("PYTHONPATH", "")]
        # By default waiting threads spin: on a busy machine that takes several times as long.
        own = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        own["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        return {**own, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}

    def _wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                self.get("/system_stats", timeout=5)
                break
            except (requests.RequestException, NotUnderstood):
                time.sleep(0.2)
        else:
            raise TimeoutError(f"ComfyUI did not answer in {timeout:g} s\n{self.log_tail()}")
        self.check_pack_loaded()

    def check_pack_loaded(self) -> None:
        """Raise if the log says that ComfyUI could not load the pack; it starts all the same."""
        for line in self.log().splitlines():
            if PACK_LINK in line and ("IMPORT FAILED" in line or "Error while calling" in line):
                raise RuntimeError(f"ComfyUI could not load the pack\n{self.log_tail(80)}")

    def check_alive(self) -> None:
        if self.process is None:
            raise RuntimeError("the server has not been started")
        code = self.process.poll()
        if code is not None:
            raise RuntimeError(f"ComfyUI ended with code {code}\n{self.log_tail()}")

    def log(self) -> str:
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def log_tail(self, lines: int = LOG_TAIL) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def stop(self) -> None:
        """End our own process, by its id, and remove the folders if they are temporary."""
        self.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._clean()

    def _clean(self) -> None:
        link = self.base / "custom_nodes" / PACK_LINK
        if link.exists():
            remove_link(link)
        if self._owns_base:
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self) -> "ComfyServer":
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()
