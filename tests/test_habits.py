"""Habits that are promised in words elsewhere: short functions, records for long lists, one reader
of weights, kernels that say what they do, what CI runs, whom the registry lets in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_architecture import tracked_modules
from .test_boundaries import ROOT, relative

MOSTLY, LONGEST_BODY, MOST_PARAMETERS = 25, 75, 12
WEIGHTS = {"safe_open", "load_file", "load_torch_file", "torch.load"}
READERS = {
    "tensor_files/reading.py": "the one reader",
    "nodes/host/edit_models/unets.py": "ComfyUI's own reader, for ComfyUI's own model classes",
    "edit_models/mgie_embeddings.py": "a file of our own form, checked as it is read",
    "evaluation/lpips_column.py": "a published library's weights, as that library has them",
    "embedded/model/shipped.py": "files that ship with the pack",
    "embedded/model/vae.py": "a checkpoint of our own training",
}
"""Modules that read weights, and why they do so themselves; training and benchmarks apart."""
WRITERS = {
    "tensor_files/writing.py": "the one writer",
    "batch/book.py": "without torch, and on the disk when it returns",
    "harness/setup/steps.py": "without torch: what dev.py makes first",
    "evaluation/page.py": "without torch, a row at a time",
}
"""Modules that write a file beside its place and move it there, and why they do so themselves."""
APART = ("tests/", "bench/", "embedded/training/", "embedded/data/", "embedded/report/")
CORES = ("elect_core", "tino_core")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def own_modules() -> list[Path]:
    return [path for path in tracked_modules() if not relative(path).startswith("tests/")]


def lines_of(function: Function) -> int:
    """Lines of the body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def test_function_bodies_are_mostly_short():
    lengths = [lines_of(one) for path in own_modules() for one in functions(path)]
    assert sum(length > MOSTLY for length in lengths) < 0.03 * len(lengths)
    assert max(lengths) <= LONGEST_BODY


def test_a_list_of_more_than_a_dozen_parameters_is_a_record():
    for path in own_modules():
        for one in functions(path):
            named = [*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs]
            assert len(named) <= MOST_PARAMETERS, f"{relative(path)}: {one.name}"


def called(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_weights_have_one_reader():
    found = set()
    for path in own_modules():
        called = (
            n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)
        )
        names = {ast.unparse(call.func).removeprefix("comfy.utils.") for call in called}
        if names & WEIGHTS and not relative(path).startswith((*APART, "tino_core/training/")):
            found.add(relative(path))
    # unets.py has a function of that name, which the loader calls.
    assert found - {"nodes/edit_models/loader.py"} == set(READERS)


def moves(call: ast.Call) -> bool:
    """Whether a call is os.replace or a path's replace or rename, which take one argument."""
    kind = getattr(call.func, "attr", "")
    return ast.unparse(call.func) == "os.replace" or (
        kind in ("replace", "rename") and len(call.args) == 1 and not call.keywords
    )


def test_files_are_written_whole_in_one_place():
    found = set()
    for path in own_modules():
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if any(isinstance(node, ast.Call) and moves(node) for node in nodes):
            found.add(relative(path))
    assert found == set(WRITERS)


def public(path: Path) -> Iterator[Function | ast.ClassDef]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("core", CORES)
def test_a_kernel_says_what_it_does_and_what_it_refuses(core):
    for path in (ROOT / core).rglob("*.py"):
        for one in public(path):
            told = ast.get_docstring(one) or ""
            assert told, f"{relative(path)}: {one.name} has no docstring"
            if isinstance(one, Function) and "raise ValueError" in ast.unparse(one):
                assert "ValueError" in told, f"{relative(path)}: what does {one.name} raise?"


@pytest.mark.parametrize("core", CORES)
def test_a_record_between_stages_is_frozen(core):
    """All but the tape, which grows while it is recorded."""
    for path in (ROOT / core).glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for one in (node for node in nodes if isinstance(node, ast.ClassDef)):
            told = " ".join(map(ast.unparse, one.decorator_list))
            if told.startswith("dataclass"):
                assert "frozen=True" in told or one.name == "Tape", one.name


def test_every_module_is_of_the_oldest_python_that_is_promised():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.10"' in text
    for path in [*tracked_modules(), *ROOT.glob("*.py")]:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


def form(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / name).read_text(encoding="utf-8"))


def test_ci_runs_on_every_system_python_and_host_that_is_promised():
    jobs = form("workflows/ci.yml")["jobs"]
    matrix = jobs["gate"]["strategy"]["matrix"]
    assert {one.partition("-")[0] for one in matrix["os"]} == {"ubuntu", "windows", "macos"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert "3.10" in str(jobs["oldest-python"])
    assert "dev.py test --host 0.3.52" in str(jobs["oldest-comfyui"])
    assert jobs["newest-comfyui"]["continue-on-error"] is True


def test_a_release_is_its_changelog_checked_tested_and_published():
    steps = str(form("workflows/release.yml")["jobs"]["release"]["steps"])
    parts = ("dev.py notes", "dev.py check", "dev.py test", "gh release create", "publish-node")
    places = [steps.index(part) for part in parts]
    assert places == sorted(places)


def test_who_reports_a_fault_is_asked_for_the_doctor():
    assert "dev.py doctor" in str(form("ISSUE_TEMPLATE/bug.yml")["body"])


def test_the_registry_hears_of_the_oldest_host_that_is_tried():
    from elect_tino.harness.setup.hosts import HOSTS

    oldest = min(HOSTS, key=lambda name: [int(part) for part in name.split(".")])
    told = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    comfy = told.partition("[tool.comfy]")[2].partition("\n[")[0]
    assert f'requires-comfyui = ">={oldest}"' in comfy
    assert {"PublisherId", "DisplayName", "Icon", "Banner"} <= set(
        re.findall(r"^(\w+) =", comfy, re.M)
    )


def test_the_hosts_page_names_every_host_and_the_readme_leads_there():
    page = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    for host in ("0.3.52", "0.3.75", "0.18.1", "0.33.0"):
        assert re.search(rf"^\| {re.escape(host)} \|", page, re.M), host
    assert "docs/hosts.md" in (ROOT / "README.md").read_text(encoding="utf-8")
