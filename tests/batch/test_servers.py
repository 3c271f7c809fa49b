"""Editing a folder on real ComfyUI servers: killed, gone on, a server lost, failures apart."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.batch.__main__ import main

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server
INVERT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures, each of its own grey."""
    (tmp_path / "in").mkdir()
    for number in range(12):
        grey = np.full((24, 32, 3), 10 * number, np.uint8)
        Image.fromarray(grey).save(tmp_path / "in" / f"{number:02}.png")
    (tmp_path / "w.json").write_text(json.dumps(INVERT))
    return tmp_path


def arguments(folder: Path, *urls: str) -> list[str]:
    told = [str(folder / "in"), "--workflow", str(folder / "w.json"), "--out", str(folder / "out")]
    return [*told, *(part for url in urls for part in ("--server", url))]


def check(folder: Path, name: str, grey: int) -> None:
    """The picture is the inverse of a grey, to ComfyUI's rounding."""
    with Image.open(folder / "out" / "edited" / f"{name}.png") as image:
        assert (abs(np.asarray(image)[..., :3] - (255.0 - grey)) <= 1).all()


def check_all(folder: Path) -> None:
    """Every picture's inverse is there, and one record for each."""
    for number in range(12):
        check(folder, f"{number:02}", 10 * number)
    assert len(records(folder)) == 12


def records(folder: Path) -> list[tuple[str, str]]:
    """Sample and server of all that was made; nothing may be at work there."""
    with closing(sqlite3.connect(folder / "out" / "records.sqlite")) as db:
        return db.execute("select sample, server from made").fetchall()


def finished(folder: Path) -> list[Path]:
    return [p for p in folder.glob("out/edited/*.png") if not p.name.startswith(".")]


def wait_for_pictures(folder: Path, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(finished(folder)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_folder_is_edited_and_nothing_is_left_behind(server: "ComfyServer", folder: Path):
    assert main(arguments(folder, server.url)) == 0
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


class Line:
    """A way to a server that can be cut: every connection over it breaks, none is made anew."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: list[socket.socket] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self.listening.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
                self.sockets += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self.pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for one in [self.listening, *self.sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def loses_nothing(folder: Path, urls: list[str], lose: Callable[[], None]) -> None:
    """Edit on two servers, lose the second in the middle, and look at what came of it."""
    command = [sys.executable, "-m", "elect_tino.batch", *arguments(folder, *urls)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_pictures(folder, 4)
        lose()
        assert running.wait(60) == 0
    finally:
        running.kill()
        running.wait()
    check_all(folder)
    assert {where for _, where in records(folder)} == set(urls)


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
    assert listed.splitlines()[1].startswith("03,edited,")
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


def test_what_comfyui_refuses_is_told(server: "ComfyServer", folder: Path, capsys):
    wrong = {**INVERT, "2": {"class_type": "NoSuchNode", "inputs": {"image": ["1", 0]}}}
    (folder / "w.json").write_text(json.dumps(wrong))
    assert main(arguments(folder, server.url)) == 1
    assert "NoSuchNode" in (folder / "out" / "failures.csv").read_text()
