"""The virtual environment in .venv, with the exact pins of requirements-dev.txt."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from .steps import AGAIN, ON_INDEX, ROOT, StepFailed, run_step, step

VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements-dev.txt"
STAMP = VENV / "elect-requirements.stamp"
OLDEST_PYTHON = (3, 11)


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
