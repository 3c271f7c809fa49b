"""What the engine costs beside the model, measured on this machine."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

from ...batch.book import Book
from ...batch.fleet import Fleet
from ...batch.jobs import Job, Made
from ...batch.pictures import read
from ...batch.places import Places, find_places
from ...batch.running import Again, run
from ...batch.servers import ComfyHost
from ...harness.server.comfy_server import ComfyServer
from .outlook import Measured

SIDE = 512
WORKFLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


class Idle:
    """A server that is done at once: what is left is the driver."""

    name = "idle"

    def __init__(self, picture: bytes) -> None:
        self.made = Made(((".png", picture),), {"nfe": 190}, 0.0, "http://127.0.0.1:8188")

    def load(self) -> int:
        return 0

    def run(self, job: Job) -> Made:
        """As a real server would, it has the picture's bytes and the prompt made first."""
        assert job.order.uploads
        return self.made

    def stop(self) -> None:
        pass


def photo(number: int) -> Image.Image:
    """Smooth shapes with some grain, which PNG holds in about as much as a photograph."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), float)
    grain = rng.normal(0, 4, smooth.shape)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def fill(folder: Path, number: int) -> Path:
    """So many pictures to edit."""
    folder.mkdir(parents=True)
    for place in range(number):
        photo(place % 8).save(folder / f"{place:05}.png", compress_level=1)
    return folder


def jobs_of(folder: Path, places: Places) -> Iterator[Job]:
    return (Job(one.name, "edited", places, one.files) for one in read(folder))


def seconds_of(jobs: Iterator[Job], total: int, servers: list, out: Path) -> float:
    """How long the jobs take, the records kept."""
    began = time.perf_counter()
    with closing(Book(out)) as book:
        run(jobs, total, Fleet(servers), book, Again())
    return time.perf_counter() - began


def measure(scratch: Path, number: int = 200, on_server: int = 30) -> Measured:
    """Means of so many pictures; a real ComfyUI is started for `on_server` of them."""
    sources, places = fill(scratch / "in", number), find_places(WORKFLOW)
    first = next(sources.iterdir())
    idle = [Idle(first.read_bytes())]
    driver = seconds_of(jobs_of(sources, places), number, idle, scratch / "out")
    skip = seconds_of(jobs_of(sources, places), number, idle, scratch / "out")
    few = fill(scratch / "few", on_server)
    with ComfyServer(extra_args=("--disable-all-custom-nodes",)) as server:
        hosts = [ComfyHost(server.url)]
        seconds_of(jobs_of(few, places), on_server, hosts, scratch / "warm")
        for place, path in enumerate(few.iterdir()):  # ComfyUI keeps what it has made
            photo(place + 8).save(path, compress_level=1)
        between = seconds_of(jobs_of(few, places), on_server, hosts, scratch / "real")
    record = os.path.getsize(scratch / "out" / "records.sqlite") / number
    return Measured(
        server=between / on_server,
        driver=driver / number,
        skip=skip / number,
        path=memory_of(sources, number),
        record=record,
        picture=first.stat().st_size,
    )


def memory_of(folder: Path, number: int) -> float:
    """Bytes of the driver's memory for a picture of a folder."""
    tracemalloc.start()
    pictures = iter(read(folder))
    next(pictures)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / number
