"""Example workflows in which a model that sees rewrites, judges, and has the edit made again."""

from . import notes, parts
from .parts import Recipe, Section, Wire, node

INSTRUCTION = "make the dress red"
WORDS: Wire = ("words", 0)
_ENDPOINT = """\
**VLM Endpoint** is any OpenAI-compatible server. Ollama: `ollama pull qwen3-vl:4b-instruct`,
`ollama serve`; that is all. On ComfyUI 0.18 and newer a text encoder that sees and writes does
without a server: wire it to `clip` in the place of `vlm`.
"""
_WORDS = """\
**Instruction Variants** puts out a list: the instruction, then what the model makes of it when it
sees the picture. Everything wired behind it runs once for each wording.
"""
_POOL = """\
**Pool Candidates** joins the candidates of all wordings: one election chooses seed *and* prompt.
"""
_JUDGE = """\
**Edit Judge** looks at source and edit, and says whether the instruction was followed and the rest
kept. `good_from` is how much is enough.
"""
_AGAIN = """\
Only where the judge finds fault: its `complaint` goes to *Instruction Variants*. When the first
edit is good, nothing behind the complaint runs.
"""
_ANEW = """\
One election for each wording, with other seeds; the judge says which of the results is the best.
"""
_KEEP = """\
**Keep or Retry** passes the first edit on when it is good, else the second.
"""


def endpoint() -> dict:
    """The first model that a server on this machine lists."""
    return node("VLMEndpoint", base_url="http://127.0.0.1:11434/v1")


def over_wordings() -> dict[str, dict]:
    """An election over every wording's candidates."""
    nodes = {
        **parts.guidance(("wordings", 0), parts.PIX2PIX_CFG),
        **parts.stages(4),
        "pool": node("PoolCandidates", candidates=("candidates", 0), names=("wordings", 0)),
    }
    for stage in ("estimates", "relevance", "elected"):
        nodes[stage]["inputs"]["candidates"] = ("pool", 0)
    return nodes


def judge(edited: Wire) -> dict:
    """What the model makes of one or more edits of the picture."""
    shown = {"source": ("picture", 0), "edited": edited, "vlm": ("vlm", 0)}
    return node("EditJudge", instruction=WORDS, **shown)


def retried() -> dict[str, dict]:
    """Other wordings by the judge's complaint, an election for each; of those the judge's best."""
    guided = parts.guidance(("wordings", 0), parts.PIX2PIX_CFG)
    said, conditions, guider = (guided[one] for one in ("instruction", "conditions", "guider"))
    said["_meta"] = {"title": "Other words"}
    conditions["inputs"]["positive"] = ("said", 0)
    guider["inputs"] |= {"cond1": ("shown", 0), "cond2": ("shown", 1)}
    run = {**parts.RUN, "guider": ("guided", 0), "latent_image": ("shown", 2)}
    anew = {"num_candidates": 4, "first_seed": 1000}
    return {
        "wordings": node(
            "InstructionVariants",
            instruction=WORDS,
            num_from_model=2,
            vlm=("vlm", 0),
            image=("picture", 0),
            complaint=("judge", 5),
        ),
        "said": said,
        "shown": conditions,
        "guided": guider,
        "elected_anew": node("ELECTSampler", **anew, **run, vae=parts.VAE),
        "decoded_anew": node("VAEDecode", samples=("elected_anew", 0), vae=parts.VAE),
        "together": node("RebatchImages", images=("decoded_anew", 0), batch_size=16),
        "judge_anew": judge(("together", 0)),
    }


def prompt_by_model() -> Recipe:
    """Seed and prompt elected together, the wordings a model's."""
    nodes = {
        **parts.checkpoint_source(),
        "vlm": endpoint(),
        "wordings": node(
            "InstructionVariants",
            "Instruction, and other words",
            instruction=INSTRUCTION,
            num_from_model=3,
            vlm=("vlm", 0),
            image=("picture", 0),
        ),
        **parts.schedule("euler_ancestral", 50),
        **over_wordings(),
        **parts.saved("elect_words"),
    }
    about = "## ELECT over seeds and a model's words\n\n" + _ENDPOINT + "\n" + notes.CHECKPOINT
    frames = (
        Section("1. Models and picture", ("model", "photo", "picture", "vlm"), about),
        Section("2. Say it in several ways", ("wordings", *parts.GUIDE[1]), _WORDS),
        Section("3. Try many seeds of each", (*parts.TRY[1], "pool"), notes.TRY + "\n" + _POOL),
        Section("4. One election over all", parts.ELECT[1], notes.ELECT),
        Section("5. Finish that one", parts.FINISH[1], notes.FINISH),
    )
    return Recipe("elect_prompt_by_model", nodes, frames, parts.DOWNLOAD)


def judge_retry() -> Recipe:
    """Elect and judge; where that is not good, elect with other words and seeds, and judge."""
    nodes = {
        **parts.checkpoint_source(),
        "words": node("PrimitiveStringMultiline", "Instruction", value=INSTRUCTION),
        **parts.guidance(WORDS, parts.PIX2PIX_CFG),
        **parts.schedule("euler_ancestral", 50),
        "elected": node("ELECTSampler", num_candidates=8, **parts.RUN, vae=parts.VAE),
        "decoded": node("VAEDecode", samples=("elected", 0), vae=parts.VAE),
        "vlm": endpoint(),
        "judge": judge(("decoded", 0)),
        **retried(),
        "kept": node(
            "KeepOrRetry", result=("decoded", 0), good=("judge", 1), retry=("judge_anew", 4)
        ),
        "edited": node("SaveImage", "Edited", images=("kept", 0)),
    }
    nodes["edited"]["inputs"]["filename_prefix"] = "elect_judged/edited"
    about = "## Elect, judge, retry\n\n" + _ENDPOINT + "\n" + notes.CHECKPOINT
    electing = ("sampler", "sigmas", "elected", "decoded")
    anew = ("guided", "elected_anew", "decoded_anew")
    keeping = ("together", "judge_anew", "kept", "edited")
    frames = (
        Section("1. Model, picture, words", (*parts.PHOTO[1], "words"), about),
        Section("2. Say what to change", parts.GUIDE[1], notes.GUIDANCE),
        Section("3. Elect", electing, ""),
        Section("4. Judge", ("vlm", "judge"), _JUDGE),
        Section("5. Other words", ("wordings", "said", "shown"), _AGAIN),
        Section("6. Elect anew", anew, ""),
        Section("7. Judge anew, keep one", keeping, _ANEW + "\n" + _KEEP),
    )
    sizes = {"elected_anew": (260.0, 840.0)}
    return Recipe("elect_judge_retry", nodes, frames, parts.DOWNLOAD, sizes=sizes)


JUDGED_RECIPES = (prompt_by_model, judge_retry)
