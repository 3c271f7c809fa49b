"""A coroutine run from inside ComfyUI's own loop, with an ear for Cancel."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_POLL = 0.05


def run_waiting(work: Coroutine[Any, Any, Any], on_wait: Callable[[], None]) -> Any:
    """Run a coroutine in a loop of its own while `on_wait` is called; what that raises ends it.

    ComfyUI runs nodes inside a loop, in which no other can be started.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    thread = threading.Thread(target=_until_done, args=(loop, task), daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL)
            on_wait()
    except BaseException:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
            thread.join()
        raise
    finally:
        if not thread.is_alive():
            loop.close()
    return task.result()


def _until_done(loop: asyncio.AbstractEventLoop, task: asyncio.Task) -> None:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(asyncio.wait([task]))
