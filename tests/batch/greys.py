"""Editing a folder of greys on real servers: what is asked, what must come of it, cut lines."""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
from PIL import Image

INVERT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
PATIENCE = 240
"""Seconds that a busy machine may take over anything here."""


def fill(folder: Path, number: int) -> Path:
    """Pictures to edit, each of its own grey, and the workflow that inverts them."""
    (folder / "in").mkdir(exist_ok=True)
    for place in range(number):
        grey = np.full((24, 32, 3), grey_of(place), np.uint8)
        Image.fromarray(grey).save(folder / "in" / f"{place:02}.png")
    (folder / "w.json").write_text(json.dumps(INVERT))
    return folder


def grey_of(place: int) -> int:
    return 10 * place % 256


def arguments(folder: Path, *urls: str) -> list[str]:
    told = [str(folder / "in"), "--workflow", str(folder / "w.json"), "--out", str(folder / "out")]
    return [*told, *(part for url in urls for part in ("--server", url))]


def check(folder: Path, name: str, grey: int) -> None:
    """The picture is the inverse of a grey, to ComfyUI's rounding."""
    with Image.open(folder / "out" / "edited" / f"{name}.png") as image:
        assert (abs(np.asarray(image)[..., :3] - (255.0 - grey)) <= 1).all()


def check_all(folder: Path) -> None:
    """Every picture's inverse is there, and one record for each."""
    names = [path.stem for path in (folder / "in").iterdir()]
    for name in names:
        check(folder, name, grey_of(int(name)))
    assert sorted(sample for sample, _ in records(folder)) == sorted(names)


def records(folder: Path, within: str = "") -> list[tuple[str, str]]:
    """Sample and server of all that was made; nothing may be at work there."""
    with closing(sqlite3.connect(folder / "out" / within / "records.sqlite")) as db:
        return db.execute("select sample, server from made").fetchall()


def finished(folder: Path) -> list[Path]:
    return [p for p in folder.glob("out/edited/*.png") if not p.name.startswith(".")]


def wait_for_pictures(folder: Path, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(finished(folder)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Line:
    """A way to a server that can be cut: every connection over it breaks, none is made anew."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: list[socket.socket] = []
        self.passed = self.fetched = 0
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

    def pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
                self.passed += len(data)
                self.fetched += data.count(b"GET /view?")
            other.shutdown(socket.SHUT_WR)

    def wait_for_work(self) -> None:
        """Until more has gone over it than a server's state: pictures."""
        deadline = time.monotonic() + PATIENCE
        while self.passed < 8000:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def wait_for_pictures(self, number: int) -> None:
        """Until so many results were asked for over it: all but the last of them are kept."""
        deadline = time.monotonic() + PATIENCE
        while self.fetched < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def cut(self) -> None:
        for one in [self.listening, *self.sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def loses_nothing(folder: Path, urls: list[str], lose: Callable[[], None], *more: str) -> None:
    """Edit on two servers, lose the second in the middle, and look at what came of it."""
    command = [sys.executable, "-m", "elect_tino.batch", *arguments(folder, *urls), *more]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_pictures(folder, 4)
        lose()
        assert running.wait(PATIENCE) == 0
    finally:
        running.kill()
        running.wait()
    check_all(folder)
    assert {where.split()[0] for _, where in records(folder)} == set(urls)
