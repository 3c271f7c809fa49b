"""docs/architecture.md tells the truth: every room, what it imports, and every stop of a flow."""

import re
from pathlib import Path

import pytest

from .test_boundaries import ROOT, imports, own_file

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([\w/]+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
ROOMS = {room: set(re.findall(r"`([\w/]+)`", allowed)) for room, allowed in ROWS}
OUTSIDE = {"tests", ""}
FLOWS = re.findall(r"^\*\*(An? [\w ]+)\.\*\* (.+?)(?=\n\n|\Z)", PAGE, re.MULTILINE | re.DOTALL)


def own_imports(room: str) -> set[str]:
    """The other rooms that the files of a room import from, anywhere in them."""
    found = set()
    for path in (ROOT / room).glob("*.py"):
        files = filter(None, map(own_file, imports(path, everywhere=True)))
        found |= {file.parent.relative_to(ROOT).as_posix() for file in files}
    return found - {room}


def test_every_folder_of_modules_is_a_room():
    folders = {p.parent.relative_to(ROOT).as_posix() for p in tracked_modules()}
    assert {f for f in folders if f.partition("/")[0] not in OUTSIDE and f != "."} == set(ROOMS)


def tracked_modules() -> list[Path]:
    hidden = {p.name for p in ROOT.iterdir() if p.name.startswith(".")} | {"output"}
    tops = [p for p in ROOT.iterdir() if p.is_dir() and p.name not in hidden]
    return [path for top in tops for path in top.rglob("*.py")]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_the_rooms_it_names_and_no_other(room):
    assert own_imports(room) <= ROOMS[room]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_no_room_that_it_could_leave_out(room):
    """`nodes/host` is kept for its sub-rooms: they may use it whenever they like."""
    assert ROOMS[room] - own_imports(room) <= {"nodes/host"}


@pytest.mark.parametrize(("name", "text"), FLOWS, ids=[name for name, _ in FLOWS])
def test_a_flow_has_at_most_eight_stops_and_each_is_a_file(name, text):
    for part in re.split(r"\.\s", text):
        stops = re.findall(r"`([\w/]+)`", part)
        assert len(stops) <= 8
        assert len(set(stops)) == len(stops)
        for stop in stops:
            assert (ROOT / f"{stop}.py").is_file(), f"{name}: {stop}"


def led_to(stop: str) -> set[str]:
    """The modules that one imports; a package stands for what its `__init__` imports."""
    found = set(filter(None, map(own_file, imports(ROOT / f"{stop}.py", everywhere=True))))
    for package in [file for file in found if file.name == "__init__.py"]:
        found |= set(filter(None, map(own_file, imports(package))))
    return {file.relative_to(ROOT).with_suffix("").as_posix() for file in found}


@pytest.mark.parametrize(("name", "text"), FLOWS, ids=[name for name, _ in FLOWS])
def test_a_stop_is_tied_to_another_by_an_import_or_is_a_node_that_a_wire_leads_to(name, text):
    for part in re.split(r"\.\s", text):
        stops = re.findall(r"`([\w/]+)`", part)
        for stop in stops:
            ties = [one for one in stops if one in led_to(stop) or stop in led_to(one)]
            is_node = "\nNODES" in (ROOT / f"{stop}.py").read_text(encoding="utf-8")
            assert ties or is_node, f"{name}: nothing leads to {stop}"


LONGEST = 250


def test_no_file_is_longer_than_250_lines():
    web = [path for path in (ROOT / "web").rglob("*") if path.suffix in (".js", ".css")]
    files = [*tracked_modules(), *ROOT.glob("*.py"), *web]
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in files}
    assert {p.relative_to(ROOT).as_posix(): n for p, n in lengths.items() if n > LONGEST} == {}
