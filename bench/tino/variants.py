"""What the page of the paper's form runs: methods with their settings and their loss."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .methods import Method, bld, nothing_done, sdedit, tino, truth, without_mask
from .setups import PAPERS, Setup


@dataclass(frozen=True)
class Variant:
    """A method with the settings that differ from the paper's.

    clip: whether its results are also compared by CLIP, which is the loss of some
    """

    name: str
    title: str
    method: Method
    settings: dict[str, Any] = field(default_factory=dict)
    setup: Setup = PAPERS
    clip: bool = True

    @property
    def fingerprint(self) -> str:
        """Names what it runs, so that a changed row is run again and no other."""
        method, given = self.method, ()
        if isinstance(method, partial):
            method, given = method.func, method.args
        described = f"{method.__name__} {given} {sorted(self.settings.items())} {self.setup}"
        return hashlib.sha256(described.encode()).hexdigest()[:6]


MAIN = (
    Variant("given", "nothing done", nothing_done),
    Variant("sdedit-0.5", "SDEdit 0.5", sdedit, {"strength": 0.5}),
    Variant("sdedit-0.75", "SDEdit 0.75", sdedit),
    Variant("bld-0.5", "BLD 0.5", bld, {"strength": 0.5}),
    Variant("bld-0.75", "BLD 0.75", bld),
    Variant("tino", "TiNO-Edit", tino),
    Variant("truth", "truth (through the VAE)", truth),
)
ABLATIONS = (
    Variant("constant-t", "constant t_k", tino, {"lr_timesteps": 0.0}),
    Variant("constant-n", "constant N", tino, {"lr_noise": 0.0}),
    Variant("no-mask", "no mask", without_mask),
    Variant("decay", "weight decay 0.01", tino, {"weight_decay": 0.01}),
)
