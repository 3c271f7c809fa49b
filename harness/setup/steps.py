"""Steps of the set-up: announced, timed, whole or not at all, and honest where they fail."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ON_INDEX = "Check the network and pip's index settings (`pip config list`)"
AGAIN = "then run the same command again: finished steps are kept."


class StepFailed(Exception):
    """A set-up step that failed: what, and how to go on."""

    def __init__(self, what: str, how_to_go_on: str) -> None:
        super().__init__(f"{what}\n  {how_to_go_on}")


def say(text: str) -> None:
    print(f"[dev] {text}", flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a long step and say how long it took."""
    say(f"{title} ...")
    start = time.monotonic()
    yield
    say(f"{title}: done in {time.monotonic() - start:.0f} s")


def run_step(command: list, what: str, how_to_go_on: str) -> None:
    """Run one command of the set-up with its output shown; StepFailed if it fails."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, env=clean_env()).returncode
    if code != 0:
        raise StepFailed(f"{what} (exit code {code}).", how_to_go_on)


def clean_env() -> dict[str, str]:
    """Our environment without what would lead pip or python to other packages."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSAFEPATH"}
    return {name: value for name, value in os.environ.items() if name not in dropped}


def atomically(folder: Path, make: Callable[[Path], Path]) -> None:
    """Let `make` build in a scratch folder and move what it returns to `folder` in one step.

    A kill on the way leaves only the scratch folder, which the next run removes.
    """
    scratch = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    make(scratch).rename(folder)
    shutil.rmtree(scratch, ignore_errors=True)
