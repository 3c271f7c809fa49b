"""Two masks given to one election: one's own goes before the relevance map, and that is said.

Before anything is sampled, and without running what makes the map; then beside the result. Saved
workflows that have both go on as they were.
"""

from __future__ import annotations

import logging
from typing import Any

from ..host.preview import tell
from .foreseen import is_wired

LEFT_OUT = (
    "relevance: left out, since a mask of your own is connected to mask and goes before it. "
    "Disconnect one of the two."
)


def leaves_out(given: dict[str, Any], hidden: Any) -> bool:
    """Whether both masks are connected; given: the inputs by name, `mask` as it is."""
    if given.get("mask") is None:
        return False
    return given.get("relevance") is not None or is_wired(hidden, "relevance")


def say_early(hidden: Any) -> None:
    """Say it in the log and on the node."""
    logging.warning("ELECT: %s", LEFT_OUT)
    tell(getattr(hidden, "unique_id", None), LEFT_OUT)
