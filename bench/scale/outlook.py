"""What 10^5 and 10^7 edits cost at 1, 8 and 64 GPUs, by constants that are measured or assumed.

python3 dev.py bench scale measures what can be measured without a GPU and writes docs/scale.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...elect_core.schedule import step_count, window_steps

HOUR, DAY = 3600.0, 86400.0
WINDOW = (0.0, 0.2)
EDITS, GPUS = (10**5, 10**7), (1, 8, 64)


@dataclass(frozen=True)
class Model:
    """An editing model. call: seconds of one guider call; encode: seconds of the rest of a run.

    Both are assumed: nothing here was run on a GPU.
    null: an election needs a call of the empty text besides, in each step of the window
    """

    name: str
    call: float
    encode: float
    steps: int
    null: bool = False


@dataclass(frozen=True)
class Way:
    """How many candidates run how much of the way (in [0, 1]) before one is finished."""

    name: str
    candidates: int
    stop: float

    def calls(self, model: Model) -> int:
        """Guider calls of one edit: N s + (K - s), s steps before the stop, and N w with `null`."""
        before = step_count(self.stop, model.steps)
        again = len(window_steps(*WINDOW, model.steps, before)) if model.null else 0
        alone = self.candidates == 1
        return self.candidates * (before + again * (not alone)) + model.steps - before


@dataclass(frozen=True)
class Measured:
    """Of the engine, on the machine that wrote the page.

    server: seconds of a server between jobs; driver: of the driver's one thread for a picture
    skip: of the driver for a picture that is done; path: bytes of memory for a picture's path
    record: bytes in the book; picture: bytes of the result, as it was measured with
    """

    server: float
    driver: float
    skip: float
    path: float
    record: float
    picture: float


@dataclass(frozen=True)
class Outlook:
    """Seconds in all, GPU seconds, and dollars; busy: the driver's share of its one thread."""

    seconds: float
    gpu: float
    dollars: float
    busy: float


MODELS = (
    Model("InstructPix2Pix, 512x512", 0.06, 0.10, 50),
    Model("FLUX.1 Kontext, 1024x1024", 0.35, 0.50, 28, null=True),
    Model("a turbo model, 1024x1024", 0.15, 0.50, 4, null=True),
)
WAYS = (
    Way("one seed", 1, 0.4),
    Way("ELECT, 8 seeds", 8, 0.4),
    Way("best of 8", 8, 1.0),
)
DOLLARS = 2.0
"""Of a GPU for an hour, assumed."""
OVERHEAD = 0.012
"""Outside the model, as a share: docs/elect_system.md."""


def of_one(model: Model, way: Way, measured: Measured) -> float:
    """Seconds that a server needs for an edit, the pause before the next included."""
    sampling = way.calls(model) * model.call
    return sampling * (1 + OVERHEAD) + model.encode + measured.server


def outlook(
    edits: int, gpus: int, model: Model, way: Way, measured: Measured, dollars: float = DOLLARS
) -> Outlook:
    """A whole run, one server a GPU; the slower of all servers and the one driver counts."""
    one = of_one(model, way, measured)
    servers, driver = edits * one / gpus, edits * measured.driver
    seconds = max(servers, driver)
    gpu = seconds * gpus
    return Outlook(seconds, gpu, gpu / HOUR * dollars, driver / seconds)


def most_gpus(model: Model, way: Way, measured: Measured) -> float:
    """How many GPUs one driver can keep at work."""
    return of_one(model, way, measured) / measured.driver


def shares(model: Model, way: Way, measured: Measured) -> Mapping[str, float]:
    """Where a server's time goes, in [0, 1]."""
    sampling = way.calls(model) * model.call
    parts = {
        "sampling": sampling,
        "election": sampling * OVERHEAD,
        "VAE and text": model.encode,
        "between jobs": measured.server,
    }
    return {name: part / sum(parts.values()) for name, part in parts.items()}


def span(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds < 2 * DAY:
        return f"{seconds / HOUR:.3g} h"
    days = seconds / DAY
    return f"{days:.3g} days" if days < 730 else f"{days / 365:.3g} years"
