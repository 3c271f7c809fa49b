"""What SECURITY.md promises of the code a user runs: no network, no pickles that run, no eval."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_boundaries import ROOT, imports

SHIPPED = (
    "nodes",
    "elect_core",
    "tino_core",
    "edit_models",
    "evaluation",
    "judging",
    "tensor_files",
    "embedded",
)
MODULES = sorted(p for room in SHIPPED for p in (ROOT / room).rglob("*.py"))
NETWORK = {"requests", "urllib", "http", "socket", "aiohttp", "httpx", "ftplib", "smtplib"}
SHELL = {"subprocess", "pty", "commands"}
MAY_CALL = {"judging/transport.py": {"aiohttp"}, "judging/address.py": {"urllib"}}
"""The one file that opens connections, and the one that takes addresses apart."""


def calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def given(call: ast.Call, name: str) -> object:
    """The constant that a keyword is given, None where it is not."""
    values = [word.value for word in call.keywords if word.arg == name]
    return values[0].value if values and isinstance(values[0], ast.Constant) else None


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_reaches_the_network_or_a_shell(path):
    tops = {name.partition(".")[0] for name in imports(path, everywhere=True)}
    allowed = MAY_CALL.get(path.relative_to(ROOT).as_posix(), set())
    assert not (tops & (NETWORK | SHELL)) - allowed
    assert not {ast.unparse(call.func) for call in calls(path)} & {"os.system", "os.popen"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_is_evaluated_and_no_pickle_may_run(path):
    for call in calls(path):
        name = ast.unparse(call.func)
        assert name not in {"eval", "exec", "compile", "pickle.load", "pickle.loads"}
        if name == "torch.load":
            assert given(call, "weights_only") is True
        if name.endswith("load_torch_file"):
            assert given(call, "safe_load") is True
        assert given(call, "trust_remote_code") in (None, False)


def test_the_rooms_that_ship_are_all_looked_at():
    """A new folder of code joins the list, or is one that users' servers never load."""
    tops = {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()}
    assert tops - {"batch", "bench", "harness", "tests"} == set(SHIPPED)
