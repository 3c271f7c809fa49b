"""Stop and keep the best: a run that ends at a user's word with what it has found so far.

Cancel ends a run with nothing; this ends it as if the iteration just done had been the last.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock

ROUTE = "/tino/stop"

_lock = Lock()
_running: dict[str, Event] = {}


@contextmanager
def stoppable(node: str) -> Iterator[Callable[[], bool]]:
    """While a node runs: gives what says whether a user told it to stop."""
    told = Event()
    with _lock:
        _running[node] = told
    try:
        yield told.is_set
    finally:
        with _lock:
            del _running[node]


def stop_all() -> list[str]:
    """Tell every run that is going on; returns their nodes' ids. ComfyUI runs one at a time."""
    with _lock:
        for told in _running.values():
            told.set()
        return sorted(_running)


def add_route() -> None:
    """``POST /tino/stop`` on ComfyUI's own server, beside its ``/interrupt``.

    Takes nothing, answers ``{"stopped": [node ids]}``, empty where no TiNO-Edit is running.
    """
    running = sys.modules.get("server")  # absent where nodes are used without the server
    instance = getattr(getattr(running, "PromptServer", None), "instance", None)
    if running is None or instance is None:
        return

    @instance.routes.post(ROUTE)
    async def stop(_request):
        return running.web.json_response({"stopped": stop_all()})
