"""What runs within a Ray cluster: an actor that holds one ComfyUI server and runs jobs on it.

It knows nothing of Ray, and is sent to the nodes as code: they need requests, Pillow and
websocket-client, and nothing of this pack.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from .jobs import JobFailed, Order, ServerLost
from .servers import ComfyHost

GIVEN, LOST, FAILED = "given", "lost", "failed"
Answer = tuple[str, Any]
"""GIVEN and what was asked for, or LOST or FAILED and why, all of it plain data."""


class Worker:
    """Holds the first of its addresses that answers and that no other worker of its node holds.

    urls: as this node reaches them; timeout: seconds that a job may take
    """

    def __init__(self, urls: Sequence[str], timeout: float) -> None:
        self.urls, self.timeout = tuple(urls), timeout
        self.host: ComfyHost | None = None
        self.lock = -1
        self.idle = threading.Event()
        self.idle.set()

    def load(self) -> Answer:
        """Jobs in the server's queue; takes a server first where it has none."""
        why = "every server of the node is taken"
        for url in self.urls if self.host is None else ():
            lock = taken(url)
            if lock < 0:
                continue
            host = ComfyHost(url, self.timeout)
            try:
                load = host.load()
            except (ServerLost, JobFailed) as lost:
                why = str(lost)
                os.close(lock)
                continue
            self.host, self.lock = host, lock
            return GIVEN, load
        if self.host is None:
            return LOST, f"{socket.gethostname()}: {why}"
        try:
            return GIVEN, self.host.load()
        except (ServerLost, JobFailed) as lost:
            return self._leave(lost)

    def run(self, order: Order) -> Answer:
        """What was made, as `Made` has it, the server's name with its node's."""
        if self.host is None:
            return LOST, f"{socket.gethostname()}: no server is held"
        self.idle.clear()
        try:
            made = self.host.carry_out(order)
        except ServerLost as lost:
            return self._leave(lost)
        except (JobFailed, OSError, ValueError) as error:
            return FAILED, str(error)
        finally:
            self.idle.set()
        return GIVEN, {**vars(made), "server": f"{made.server} at {socket.gethostname()}"}

    def stop(self) -> bool:
        """End the job that runs, on the server too; whether it has ended."""
        if self.host is not None:
            self.host.stop()
        return self.idle.wait(10)

    def _leave(self, lost: Exception) -> Answer:
        """Let the server go: another worker may find it when it is back."""
        self.host = None
        with suppress(OSError):
            os.close(self.lock)
        self.lock = -1
        return LOST, f"{socket.gethostname()}: {lost}"


def taken(url: str) -> int:
    """A lock on an address, on this node; negative where another process holds it.

    It ends with the process that took it, however that ends.
    """
    import fcntl

    word = hashlib.sha256(url.encode()).hexdigest()[:16]
    path = os.path.join(tempfile.gettempdir(), f"elect-tino-{os.getuid()}-{word}.lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return -1
    return lock
