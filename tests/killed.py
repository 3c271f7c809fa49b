"""Code that is killed in a child process, at a place of the test's choosing."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def kill(*given: object, **names: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half(tensors: object, place: Path, metadata: object) -> None:
    """In place of `save_file`: what a kill in the middle of writing leaves."""
    place.write_bytes(b"half")
    kill()


def is_killed(run: Callable[[], object]) -> bool:
    """Run it in a child process; was that killed?"""
    child = os.fork()
    if child == 0:
        try:
            torch.set_num_threads(1)
            run()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])
