"""Example workflows whose candidates are kept in files."""

from dataclasses import replace

from . import elect, notes
from .parts import Recipe, Section, node

_TRY = elect.sections("elect_embedded_demo", elect.PICTURE, elect.GUIDE, elect.TRY)
_SAVE = """\
**Save Candidates** writes the best two (`top_k`) with all they have run to `output/elect`. Look at
the scores, shut the computer down, sleep on it.
"""
_LOAD = """\
**Load Candidates** takes them up again: here by wire, in the same run. On another day

1. select the frames *2* and *3* but for *Dual CFG Guider*, the texts, *KSamplerSelect* and
   *BasicScheduler*: mute *Multi-Seed Partial Sampler*, and the four nodes of *4* (Ctrl+M);
2. leave `file` at *newest*, or press R and choose one;
3. run: only the remaining steps are made, and the pictures are the same, bit for bit.

The model, the texts, the picture, the sampler and the schedule must be those of the first day; what
is another is named.
"""


def save_and_resume() -> Recipe:
    name = "elect_save_and_resume"
    nodes = {
        **elect.embedded_source(),
        **elect.guidance(("picture", 1), elect.EMBEDDED_CFG),
        **elect.schedule("euler", 20, "simple"),
        **elect.stages(16),
        "kept": node(
            "SaveCandidates", candidates=("elected", 0), table=("elected", 2), name="tomorrow"
        ),
        "loaded": node(
            "LoadCandidates",
            guider=("guider", 0),
            sampler=("sampler", 0),
            sigmas=("sigmas", 0),
            saved=("kept", 0),
        ),
        "resumed": node("ResumeDenoise", candidates=("loaded", 0)),
        **elect.saved("elect_tomorrow", overlay=False),
    }
    nodes["elected"]["inputs"]["top_k"] = 2
    try_out = replace(_TRY[2], nodes=(*_TRY[2].nodes, "estimates"))
    today = ("relevance", "elected", "kept")
    tomorrow = ("loaded", "resumed", "decoded", "edited")
    frames = (
        *_TRY[:2],
        try_out,
        Section("4. Today: elect and save", today, notes.ELECT + "\n" + _SAVE),
        Section("5. Tomorrow: finish", tomorrow, _LOAD),
    )
    return Recipe(name, nodes, frames)


KEPT_RECIPES = (save_and_resume,)
