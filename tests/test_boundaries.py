"""Kernels know no ComfyUI, stages look upstream only, and heavy libraries stay out of imports."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from elect_tino import elect_core

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "elect_core"
HEAVY = {"diffusers", "transformers", "accelerate"}
STAGES = re.findall(r"^    (\w+)  .*->", elect_core.__doc__ or "", re.MULTILINE) + ["elect"]


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What runs on import: everything but the bodies of functions and TYPE_CHECKING blocks."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body)


def imports(path: Path, everywhere: bool = False) -> Iterator[str]:
    """Absolute names of what a file imports; the pack's own start with the folder's name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else statements(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
                base = ".".join([*package, *filter(None, [base])])
            yield base
            yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names)


def own_file(name: str) -> Path | None:
    """The pack's file that a name stands for."""
    path = ROOT.joinpath(*name.removeprefix("elect_tino.").split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def loaded_with(start: list[Path]) -> set[Path]:
    """The files, and the pack's own files that importing them loads."""
    found, pending = set(), list(start)
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += filter(None, map(own_file, imports(path)))
    return found


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_stage_is_in_the_table_of_the_flow():
    assert sorted(STAGES) == sorted(p.stem for p in CORE.glob("*.py") if p.stem != "__init__")


@pytest.mark.parametrize("stage", STAGES)
def test_stage_imports_only_upstream_stages_and_torch(stage):
    upstream = STAGES[: STAGES.index(stage)]
    for name in imports(CORE / f"{stage}.py", everywhere=True):
        package, _, rest = name.partition(".")
        if package == "elect_core":
            assert not rest or rest.split(".")[0] in upstream, name
        else:
            assert package == "torch" or package in sys.stdlib_module_names, name


@pytest.mark.parametrize(
    ("package", "strangers"),
    [
        ("elect_core", {"comfy", "comfy_api", "comfy_extras", "nodes", "tino_core", "embedded"}),
        ("tino_core", {"comfy", "comfy_api", "comfy_extras", "nodes", "elect_core", "embedded"}),
        (
            "edit_models",
            {"comfy", "comfy_api", "comfy_extras", "nodes", "elect_core", "tino_core", "embedded"},
        ),
        (
            "judging",
            {"comfy", "comfy_api", "comfy_extras", "nodes", "elect_core", "tino_core", "embedded"},
        ),
    ],
)
def test_kernels_import_neither_comfyui_nor_each_other(package, strangers):
    for path in (ROOT / package).rglob("*.py"):
        names = {name.removeprefix("elect_tino.") for name in imports(path, everywhere=True)}
        assert not strangers & {name.partition(".")[0] for name in names}, relative(path)


def test_kernels_are_exported_by_name_and_nothing_else():
    public = {
        name
        for name, value in vars(elect_core).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(elect_core.__all__)
    assert len(public) == len(elect_core.__all__)


@pytest.mark.parametrize(
    "module",
    [
        "elect_tino",
        "elect_tino.elect_core",
        "elect_tino.tino_core",
        "elect_tino.edit_models",
        "elect_tino.judging",
        "elect_tino.tensor_files",
    ],
)
def test_import_loads_neither_comfyui_nor_heavy_libraries(module):
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert module.partition(".")[0] in loaded
    assert not loaded & {*HEAVY, "comfy", "comfy_api", "nodes"}


def test_nodes_load_no_heavy_library():
    nodes = sorted((ROOT / "nodes").rglob("*.py"))
    assert nodes
    for path in loaded_with([ROOT / "__init__.py", *nodes, *CORE.glob("*.py")]):
        names = {name.partition(".")[0] for name in imports(path)}
        assert not HEAVY & names, relative(path)
