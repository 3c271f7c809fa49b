"""What the two pages of the benchmark run: methods with their settings and their loss."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ...tino_core.losses import DIRECTIONAL
from .methods import Method, bld, nothing_done, sdedit, seeds, tino, truth, without_mask
from .setups import OUR_NUMBERS, OURS, PAPERS, Setup


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
NUM_SEEDS, NUM_GUIDED, NUM_FEW = 32, 16, 16
GUIDED = replace(PAPERS, cfg=3.0)


def _of_losses(name: str, title: str, method, settings=None, setup: Setup = PAPERS) -> Variant:
    return Variant(name, title, method, settings or {}, setup, clip=False)


CONTEST = (
    _of_losses("c-given", "nothing done", nothing_done),
    _of_losses("c-truth", "the truth", truth),
    _of_losses("c-sdedit", "SDEdit 0.75", sdedit),
    _of_losses("c-bld", "BLD 0.75", bld),
    _of_losses("seeds", "seeds", partial(seeds, NUM_SEEDS)),
    _of_losses("seeds-3", "seeds at guidance 3", partial(seeds, NUM_GUIDED), setup=GUIDED),
    _of_losses("ours", "ours: 10 updates", tino, OUR_NUMBERS, OURS),
    _of_losses("ours-16", "16 tries, then 10 updates", tino, OUR_NUMBERS, replace(OURS, tries=16)),
    _of_losses(
        "bound",
        "the true error as loss, 10 updates",
        tino,
        {**OUR_NUMBERS, "lr_noise": 0.05},
        Setup(truth=True),
    ),
)
"""Every loss, updates against tries, at equal guidance and steps."""
_LONG = {**OUR_NUMBERS, "iterations": 30}
CONTEST_FEW = (
    _of_losses("ours-30", "ours: 30 updates", tino, _LONG, OURS),
    _of_losses("paper-30", "the paper's loss, 30 updates", tino, {"iterations": 30}),
    _of_losses(
        "directional",
        "directional, 10 updates",
        tino,
        OUR_NUMBERS,
        replace(OURS, text_loss=DIRECTIONAL),
    ),
    *(
        variant
        for steps in (1, 2)
        for variant in (
            _of_losses(
                f"seeds-k{steps}", f"K = {steps}", partial(seeds, NUM_FEW), {"num_steps": steps}
            ),
            _of_losses(
                f"ours-k{steps}",
                f"K = {steps}, 10 updates",
                tino,
                {**OUR_NUMBERS, "num_steps": steps},
                OURS,
            ),
        )
    ),
    _of_losses("paper-k10", "the paper: K = 10, W = 50", tino, {"num_steps": 10, "iterations": 50}),
)
"""What takes longer or asks a side question, on fewer edits."""
VARIANTS = {one.name: one for one in (*MAIN, *ABLATIONS, *CONTEST, *CONTEST_FEW)}
