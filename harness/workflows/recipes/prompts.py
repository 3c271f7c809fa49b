"""Example workflows that elect the prompt too."""

from . import notes, parts
from .parts import Recipe, Section, node

_TRY = parts.sections("elect_embedded_demo", parts.PICTURE, parts.GUIDE, parts.TRY)
_WORDS = """\
**Instruction Variants** puts out a list: the instruction, then your own wordings, one a line.
Everything wired behind it runs once for each of them. Connect *VLM Endpoint* to `vlm`, and a model
rewrites too.
"""
_POOL = """\
**Pool Candidates** joins the candidates of all wordings, so that one election chooses seed *and*
prompt. The table says which wording each candidate was made with.
"""


def seed_and_prompt() -> Recipe:
    name = "elect_seed_and_prompt"
    nodes = {
        **parts.embedded_source(),
        "wordings": node(
            "InstructionVariants",
            instruction=("picture", 1),
            own_variants="make the blue square red\nturn the blue square red",
            num_from_model=0,
        ),
        **parts.guidance(("wordings", 0), parts.EMBEDDED_CFG),
        **parts.schedule("euler", 20),
        **parts.stages(8),
        "pool": node("PoolCandidates", candidates=("candidates", 0), names=("wordings", 0)),
        **parts.saved("elect_prompt"),
    }
    for stage in ("estimates", "relevance", "elected"):
        nodes[stage]["inputs"]["candidates"] = ("pool", 0)
    frames = (
        _TRY[0],
        Section(
            "2. Say it in several ways",
            ("wordings", *parts.GUIDE[1]),
            _WORDS + "\n" + _TRY[1].note,
        ),
        Section("3. Try many seeds of each", (*parts.TRY[1], "pool"), _TRY[2].note + "\n" + _POOL),
        Section("4. One election over all", parts.ELECT[1], notes.ELECT),
        Section("5. Finish that one", parts.FINISH[1], notes.FINISH),
    )
    return Recipe(name, nodes, frames)


PROMPT_RECIPES = (seed_and_prompt,)
