"""The judging nodes as they are shown."""

from .look import Look

_VLM = ("The model that sees, for Edit Judge and Instruction Variants.",)

LOOKS: dict[str, Look] = {
    "VLMLoader": Look(search=("vision language model", "judge model"), outputs=_VLM),
    "VLMEndpoint": Look(search=("vision language model", "openai compatible"), outputs=_VLM),
    "EditJudge": Look(
        search=("judge", "score edits", "rate", "quality"),
        outputs=(
            "One score for each picture, for judged of BIS Select.",
            "Whether the best one is good enough; for Keep or Retry.",
            "Scores and reasons as text.",
            "Index of the best picture, from 0.",
            "The best picture.",
            "What is wrong with the best where it is not good; for Instruction Variants.",
        ),
    ),
    "CLIPJudge": Look(
        search=("judge", "score edits", "clip score"),
        outputs=(
            "One score for each picture, for judged of BIS Select.",
            "The scores as text.",
            "Index of the best picture, from 0.",
            "The best picture.",
        ),
    ),
    "InstructionVariants": Look(
        search=("rewrite prompt", "prompt variations"),
        outputs=("Each wording once, as a list.", "The same as text, one a line."),
    ),
    "KeepOrRetry": Look(
        search=("retry", "switch", "try again"), outputs=("The first result, or the second try.",)
    ),
}
