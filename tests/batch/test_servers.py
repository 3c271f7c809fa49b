"""Editing a folder on real ComfyUI servers: killed, gone on, a server lost, failures apart."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.batch.__main__ import main

from .greys import (
    INVERT,
    Line,
    arguments,
    check,
    check_all,
    fill,
    finished,
    loses_nothing,
    records,
    wait_for_pictures,
)

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures, each of its own grey."""
    return fill(tmp_path, 12)


def test_a_folder_is_edited_and_nothing_is_left_behind(server: "ComfyServer", folder: Path, capsys):
    assert main(arguments(folder, server.url)) == 0
    told = capsys.readouterr()
    assert re.search(r"12/12 \[\d\d:\d\d<.*picture.*failed=0", told.err)  # also the time left
    assert "12 edited now, into" in told.out
    check_all(folder)
    assert server.get("/history") == {} or not any(
        "elect_batch" in json.dumps(entry["prompt"]) for entry in server.get("/history").values()
    )
    before = {path: path.stat().st_mtime_ns for path in finished(folder)}
    assert main(arguments(folder, server.url)) == 0
    assert {path: path.stat().st_mtime_ns for path in finished(folder)} == before


def test_killed_in_the_middle_it_goes_on_and_does_nothing_twice(
    server: "ComfyServer", folder: Path
):
    command = [sys.executable, "-m", "elect_tino.batch", *arguments(folder, server.url)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_pictures(folder, 4)
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    kept = {sample: folder / "out" / "edited" / f"{sample}.png" for sample, _ in records(folder)}
    assert 3 <= len(kept) < 12
    before = {path: path.stat().st_mtime_ns for path in kept.values()}
    assert main(arguments(folder, server.url)) == 0
    check_all(folder)
    assert {path: path.stat().st_mtime_ns for path in kept.values()} == before


def test_a_server_cut_off_in_the_middle_loses_nothing(server: "ComfyServer", folder: Path):
    line = Line(server.port)
    loses_nothing(folder, [server.url, line.url], line.cut)


@pytest.mark.slow
def test_a_server_killed_in_the_middle_loses_nothing(server: "ComfyServer", folder: Path):
    from elect_tino.harness.server.comfy_server import ComfyServer

    with ComfyServer(extra_args=("--disable-all-custom-nodes",)) as second:
        assert second.process is not None
        loses_nothing(folder, [server.url, second.url], second.process.kill)


def test_failures_are_listed_and_tried_apart(server: "ComfyServer", folder: Path, capsys):
    broken = folder / "in" / "03.png"
    whole = broken.read_bytes()
    broken.write_bytes(b"no picture")
    assert main(arguments(folder, server.url)) == 1
    listed = (folder / "out" / "failures.csv").read_text()
    assert listed.splitlines()[1] == f"03,edited,,{broken}: it is no picture."
    assert "--retry-failed" in capsys.readouterr().out
    broken.write_bytes(whole)
    assert main(arguments(folder, server.url)) == 1  # what failed waits to be asked for
    assert main([*arguments(folder, server.url), "--retry-failed"]) == 0
    check_all(folder)


def test_other_settings_in_the_same_folder_need_a_word(server: "ComfyServer", folder: Path, capsys):
    assert main(arguments(folder, server.url)) == 0
    Image.fromarray(np.full((24, 32, 3), 77, np.uint8)).save(folder / "in" / "00.png")
    assert main(arguments(folder, server.url)) == 2
    assert "--redo" in capsys.readouterr().err
    assert main([*arguments(folder, server.url), "--redo"]) == 0
    check(folder, "00", 77)


def test_a_picture_that_is_gone_since_it_was_edited_stops_nothing(
    server: "ComfyServer", folder: Path
):
    (folder / "in.csv").write_text("picture\nin/00.png\nin/01.png\nin/02.png\n")
    told = [str(folder / "in.csv"), *arguments(folder, server.url)[1:]]
    (folder / "in" / "02.png").rename(folder / "later.png")
    assert main(told) == 1
    (folder / "in" / "00.png").unlink()
    (folder / "later.png").rename(folder / "in" / "02.png")
    assert main([*told, "--retry-failed"]) == 0
    assert main(told) == 1
    assert "in/00,edited,," in (folder / "out" / "failures.csv").read_text()
    assert sorted(sample for sample, _ in records(folder)) == ["in/00", "in/01", "in/02"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"1": {"class_type": "LoadImage"}}', '{"1": 3}'])
def test_what_is_no_workflow_is_told_by_its_name(folder: Path, text: str, capsys):
    (folder / "w.json").write_text(text)
    assert main(arguments(folder, "http://127.0.0.1:9")) == 2
    assert "w.json: expected a workflow" in capsys.readouterr().err


def test_what_comfyui_refuses_is_told(server: "ComfyServer", folder: Path, capsys):
    wrong = {**INVERT, "2": {"class_type": "NoSuchNode", "inputs": {"image": ["1", 0]}}}
    (folder / "w.json").write_text(json.dumps(wrong))
    assert main(arguments(folder, server.url)) == 1
    assert "NoSuchNode" in (folder / "out" / "failures.csv").read_text()
