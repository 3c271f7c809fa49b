"""Many runs in a row: nothing that a run takes stays taken. Only with ``-m slow``."""

import contextlib
import os
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from elect_tino.harness.server.client import ComfyClient, ExecutionFailed, ExecutionInterrupted

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(0)]

RUNS = int(os.environ.get("ELECT_SOAK_RUNS", 1000))
CANCELS = int(os.environ.get("ELECT_SOAK_CANCELS", 200))
WARM = 20
"""Runs until caches of ComfyUI and of torch are as large as they get."""
MOST_MEMORY, MOST_HANDLES = 200 * 2**20, 8


def held(server: "ComfyServer") -> dict[str, float]:
    """Bytes, open files, threads and kept files of the server's process."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    return {
        "memory": process.memory_info().rss,
        "handles": process.num_fds() if hasattr(process, "num_fds") else 0,
        "threads": process.num_threads(),
        "uploads": sum(1 for p in Path(server.base, "input").rglob("*") if p.is_file()),
    }


def flat(before: dict[str, float], after: dict[str, float]) -> None:
    assert after["memory"] - before["memory"] < MOST_MEMORY
    assert after["handles"] - before["handles"] <= MOST_HANDLES
    assert after["threads"] - before["threads"] <= MOST_HANDLES
    assert after["uploads"] == before["uploads"]


def seeded(demo: dict, seed: int) -> dict:
    prompt = {name: {**one, "inputs": dict(one["inputs"])} for name, one in demo.items()}
    prompt["candidates"]["inputs"]["first_seed"] = seed
    return prompt


def seconds(client: ComfyClient, prompt: dict) -> float:
    start = time.monotonic()
    client.run(prompt, timeout=300)
    return time.monotonic() - start


def test_runs_with_changing_seeds_of_two_clients_take_nothing_for_good(
    server: "ComfyServer", demo: dict
):
    for seed in range(WARM):
        server.run(seeded(demo, seed))
    before, other = held(server), ComfyClient(server.url)
    took: list[float] = []

    def of_another() -> None:
        for seed in range(RUNS // 4):
            other.run(seeded(demo, 10**6 + 16 * seed), timeout=300)

    beside = threading.Thread(target=of_another)
    beside.start()
    for seed in range(RUNS - RUNS // 4):
        took.append(seconds(server, seeded(demo, 16 * (seed + WARM))))
    beside.join()
    flat(before, held(server))
    tenth = max(1, len(took) // 10)
    alone = took[-tenth:]  # the other client ends first
    assert sorted(alone)[len(alone) // 2] < 2 * sorted(took[:tenth])[tenth // 2]


def test_cancels_at_random_times_take_nothing_for_good(server: "ComfyServer", demo: dict):
    draw = random.Random(0)
    usual = seconds(server, seeded(demo, 1))
    before = held(server)
    for number in range(CANCELS):
        job = server.submit(seeded(demo, 10**7 + 16 * number))
        time.sleep(draw.uniform(0, usual))
        server.interrupt()
        with contextlib.suppress(ExecutionFailed, ExecutionInterrupted):
            server.wait(job, 300)
    flat(before, held(server))
    server.run(seeded(demo, 2))
