"""One ComfyUI at its address: hand a job in, wait, fetch, leave nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

import requests

from ..harness.server.client import (
    ComfyClient,
    ExecutionFailed,
    ExecutionInterrupted,
    NotUnderstood,
    PromptRejected,
    raise_on_failure,
)
from .jobs import FOLDER, Job, JobFailed, Made, Order, ServerLost

POLL_SECONDS = 0.1
LOOK_SECONDS = 5.0
FACTS = ("nfe", "elected", "elected_seed")


@contextmanager
def losses(url: str) -> Iterator[None]:
    """What a request meets, as ServerLost or JobFailed."""
    try:
        yield
    except (requests.ConnectionError, requests.Timeout) as error:
        raise ServerLost(f"{url} does not answer") from error
    except NotUnderstood as error:
        raise ServerLost(str(error)) from error
    except requests.HTTPError as error:
        own = error.response is not None and error.response.status_code < 500
        raise (JobFailed if own else ServerLost)(f"{url}: {error}") from error
    except (PromptRejected, ExecutionFailed, ExecutionInterrupted) as error:
        raise JobFailed(str(error)) from error


class ComfyHost:
    """A running ComfyUI. `load` and `run` raise ServerLost where it does not answer.

    timeout: seconds that a job may take, its wait behind others included
    """

    def __init__(self, url: str, timeout: float = 1800) -> None:
        self.name = url.rstrip("/")
        self.timeout = timeout
        self.client = ComfyClient(url)
        self._stopped = threading.Event()

    def load(self) -> int:
        """Jobs in its queue, other people's."""
        with losses(self.name):
            told = self.client.get("/prompt", timeout=10).get("exec_info")
        waiting = told.get("queue_remaining") if isinstance(told, dict) else None
        if not isinstance(waiting, int):
            raise ServerLost(f"{self.name} does not say how long its queue is: is it ComfyUI?")
        return waiting

    def run(self, job: Job) -> Made:
        """The job's pictures. Raises JobFailed, ServerLost, Unusable, OSError, ValueError."""
        return self.carry_out(job.order)

    def carry_out(self, order: Order) -> Made:
        """The pictures of an order. Raises JobFailed, ServerLost."""
        began = time.monotonic()
        with losses(self.name):
            for name, data in order.uploads.items():
                self.client.upload_bytes(data, name, FOLDER, "temp")
            number = self.client.queue(order.prompt)
            try:
                entry = self._ended(number)
                raise_on_failure(entry)
                shown = entry["outputs"].get(order.result, {}).get("images", [])
                if not shown:
                    raise JobFailed(f"node {order.result} showed no picture")
                pictures = tuple((_suffix(file), self.client.view(file)) for file in shown)
            finally:
                self._clear(number)
        return Made(pictures, facts_of(entry), time.monotonic() - began, self.name)

    def stop(self) -> None:
        """End the job that runs, there too."""
        self._stopped.set()

    def _ended(self, number: str) -> dict:
        """The history entry of a prompt that has ended."""
        deadline = time.monotonic() + self.timeout
        look = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < deadline:
            if self._stopped.wait(POLL_SECONDS):
                raise JobFailed("stopped")
            gone = time.monotonic() > look and not self._queued(number)
            entry = self.client.history(number)
            if entry is not None:
                return entry
            if gone:
                raise ServerLost(f"{self.name} has forgotten the job: was it started anew?")
            if time.monotonic() > look:
                look = time.monotonic() + LOOK_SECONDS
        raise JobFailed(f"not done in {self.timeout:g} s")

    def _queued(self, number: str) -> str:
        """Which list of the queue a prompt is in, or nothing."""
        queue = self.client.get("/queue")
        lists = ("queue_running", "queue_pending")
        return next((kind for kind in lists if any(p[1] == number for p in queue[kind])), "")

    def _clear(self, number: str) -> None:
        """Out of the history; out of the queue where it has not ended."""
        with suppress(requests.RequestException, NotUnderstood):
            where = self._queued(number)
            if where == "queue_pending":
                self.client.post("/queue", {"delete": [number]})
            elif where:
                self.client.post("/interrupt", {"prompt_id": number})
            self.client.post("/history", {"delete": [number]})


def facts_of(entry: dict) -> dict[str, Any]:
    """What an election in the run says of itself: calls, the elected candidate and its seed."""
    told = [one for out in entry["outputs"].values() for one in out.get("elect", ())]
    return {name: told[-1][name] for name in FACTS if told and name in told[-1]}


def _suffix(file: dict) -> str:
    return PurePosixPath(file["filename"]).suffix or ".png"
