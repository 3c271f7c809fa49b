"""What a node's widgets alone say is wrong, told when a run is queued: before anything is sampled.

For ``validate_inputs``, which ComfyUI calls with the values typed in. What comes by a wire is None
there, and what is not connected is not given at all.
"""

from __future__ import annotations

from collections.abc import Callable

NOT_CONNECTED = object()
"""Default of an input in ``validate_inputs``, to tell a wire from none."""


def refusal(*checks: Callable[[], object]) -> bool | str:
    """The words of the first check that raises a ValueError, or True where none does."""
    for check in checks:
        try:
            check()
        except ValueError as error:
            return str(error)
    return True
