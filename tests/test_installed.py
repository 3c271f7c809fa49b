"""The commands as a user has them, who has no checkout and no dev.py: from another folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .test_boundaries import ROOT, imports, own_file
from .test_release import listed

PACK = "comfyui-elect-tino"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are handed out, in a folder of custom nodes."""
    folder = tmp_path_factory.mktemp("comfyui") / "custom_nodes" / PACK
    for name in listed() - listed("-ci", "--exclude-from=.comfyignore"):
        if name.endswith((".py", ".toml", ".json", ".md", "LICENSE", ".txt")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install` makes of that folder, without network."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("installed")
    copy = folder / "source"
    shutil.copytree(pack, copy)
    given = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    made = [sys.executable, "-m", "pip", *given, str(copy)]
    done = subprocess.run(made, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")
    return folder / "site"


def command(where: Path, at: Path, *given: str) -> "subprocess.CompletedProcess[str]":
    """python -m ..., with `where` first among the imports."""
    env = {**os.environ, "PYTHONPATH": str(where)}
    made = [sys.executable, "-m", *given]
    return subprocess.run(made, cwd=at, env=env, capture_output=True, text=True)


def test_installed_it_measures_from_any_folder(installed: Path, tmp_path: Path):
    told = "import elect_tino.evaluation; print(elect_tino.evaluation.__file__)"
    env = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.check_output([sys.executable, "-c", told], cwd=tmp_path, env=env, text=True)
    assert Path(found.strip()).is_relative_to(installed)
    done = command(installed, tmp_path, "elect_tino.evaluation", "world:2", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "| no edit |" in (tmp_path / "out" / "table.md").read_text(encoding="utf-8")
    done = command(installed, tmp_path, "elect_tino.batch", "nowhere", "--workflow", "w.json")
    assert done.returncode == 2
    assert "expected a folder of pictures or a CSV" in done.stderr


def test_heavy_packages_are_imported_where_they_are_used(installed: Path, tmp_path: Path):
    told = (
        "import sys, elect_tino.evaluation.__main__, elect_tino.batch.__main__; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    env = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.check_output([sys.executable, "-c", told], cwd=tmp_path, env=env, text=True)
    heavy = {"torch", "transformers", "torchmetrics", "torchvision", "pyarrow", "ray", "skimage"}
    clients = {"openai", "litellm", "httpx"}
    assert {"elect_tino", "aiohttp"} <= set(found.split())
    assert not (heavy | clients) & set(found.split())


def test_what_the_commands_import_is_installed_with_them(installed: Path):
    """What they import when they are needed too."""
    rooms = ("batch", "evaluation", "judging", "elect_core", "tino_core", "tensor_files")
    pending = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    seen: set[Path] = set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        assert (installed / "elect_tino" / path.relative_to(ROOT)).is_file(), path
        named = map(own_file, imports(path, everywhere=True))
        pending += [one for one in named if one is not None]
    assert ROOT / "embedded" / "world" / "samples.py" in seen


def test_without_installing_it_runs_from_the_folder_of_custom_nodes(pack: Path, tmp_path: Path):
    """The folder's own name is the package's."""
    out = ["--out", str(tmp_path / "out"), "--page", "0"]
    done = command(pack.parent, pack.parent, f"{PACK}.evaluation", "world:1", *out)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "table.md").is_file()
    done = command(pack.parent, pack.parent, f"{PACK}.batch", "--help")
    assert "Edits many pictures" in done.stdout
