"""What a file made to harm would do, in a form that leaves a trace and does no harm."""

from pathlib import Path


class Payload:
    """Pickles to a call that leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)
