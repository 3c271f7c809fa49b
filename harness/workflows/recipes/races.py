"""Example workflows whose candidates are thinned out on the way."""

from . import elect, notes
from .parts import (
    EMBEDDED_CFG,
    RUN,
    VAE,
    Recipe,
    Section,
    embedded_source,
    finish,
    guidance,
    node,
    saved,
    schedule,
    sections,
)

_START = """\
**Multi-Seed Partial Sampler** runs every seed one step (`stop` 0.05) and pauses it. `sigmas` is the
whole schedule: the race goes on in it.
"""
_RACE = """\
**ELECT Race** runs the candidates on in rungs. After each it scores the background, drops the worse
half, and runs the rest further, from where they paused: no call is made twice.

The node says beforehand what that will cost, and afterwards what it did. The gallery shows
everybody as far as they came; a dropped candidate can still be clicked, and pays only the calls it
lacks.

`race` *custom* follows `rungs`: *8@20%, 4@40%, 1@60%* keeps eight after a fifth of the steps, then
four, then one.
"""


def elect_race() -> Recipe:
    start = sections("elect_embedded_demo", elect.PICTURE, elect.GUIDE)
    nodes = {
        **embedded_source(),
        **guidance(("picture", 1), EMBEDDED_CFG),
        **schedule("euler", 20),
        "candidates": node("MultiSeedPartialSampler", num_candidates=16, stop=0.05, **RUN),
        "elected": node("ELECTRace", candidates=("candidates", 0), vae=VAE),
        **finish(),
        **saved("elect_race", overlay=False),
    }
    frames = (
        *start,
        Section("3. Start many seeds", ("sampler", "sigmas", "candidates"), _START),
        Section("4. Race", ("elected",), _RACE),
        Section("5. Finish who is left", ("resumed", "decoded", "edited"), notes.FINISH),
    )
    return Recipe("elect_race", nodes, frames)


RACE_RECIPES = (elect_race,)
