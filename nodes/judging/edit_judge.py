"""EditJudge: what a model that sees makes of a batch of edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.utils
from comfy_api.latest import io
from comfy_execution.graph_utils import ExecutionBlocker
from numpy import ndarray

from ...judging.knockout import knock_out, tied_best
from ...judging.question import Seeing, Unanswered
from ...judging.rubrics import RUBRICS
from ...judging.verdicts import Verdict, best_first, judge, judge_all
from ...judging.yes_no import judge_yes_no, make_questions
from ..host.judging.speaking_clip import SpeakingClip
from ..inputs import given, inputs, takes_records
from ..menu import JUDGING
from .table import as_table
from .types import EditScores, EditVlm, free, one_source, pictures

YES_NO = "yes_no"
STOP, UNJUDGED = "stop", "unjudged"


@dataclass(frozen=True)
class Rules:
    """The inputs that say how is judged."""

    rubric: str = given(
        io.Combo,
        options=[*RUBRICS, YES_NO],
        default="paper",
        tooltip="paper: instruction following and background consistency, 0, 0.5 or 1 each, "
        "rejected at a 0 (ELECT). viescore: four scales from 0 to 10, two questions a picture. "
        "yes_no: questions made for the instruction, by the probability of yes.",
    )
    both_orders: bool = given(
        io.Boolean,
        default=False,
        tooltip="Ask with the source first and with the edit first, and take the mean: twice the "
        "time, less bias. Not for yes_no.",
    )
    break_ties: bool = given(
        io.Boolean,
        default=True,
        tooltip="Where up to four candidates share the best score, let them meet in pairs, each "
        "in both orders.",
    )
    good_from: float = given(
        io.Float,
        default=0.5,
        min=0.0,
        max=1.0,
        step=0.05,
        tooltip="The best is good when it is not rejected and scores at least this, from 0 to 1.",
    )
    on_failure: str = given(
        io.Combo,
        options=[STOP, UNJUDGED],
        default=STOP,
        tooltip="When the model cannot be reached. stop: an error. unjudged: go on, with the "
        "pictures unscored and in their order.",
    )
    free_after: bool = given(
        io.Boolean,
        default=False,
        tooltip="Ask Ollama to take its model out of memory after all are judged.",
    )


class EditJudge(io.ComfyNode):
    """Scores of edits by a model that sees, with reasons."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditJudge",
            display_name="Edit Judge",
            category=JUDGING,
            description="Lets a vision-language model look at the source and each edit, and say "
            "how well the instruction was followed and the rest kept.",
            is_output_node=True,
            inputs=[
                io.Image.Input("source", tooltip="The picture before the edit, one."),
                io.Image.Input("edited", tooltip="The edits to judge, a batch of any size."),
                io.String.Input(
                    "instruction", multiline=True, tooltip="What was to be changed, in words."
                ),
                *inputs(Rules),
                EditVlm.Input(
                    "vlm", optional=True, tooltip="From VLMEndpoint or VLMLoader; this or clip."
                ),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="A text encoder that sees and writes (Qwen3-VL, Qwen3.5, Gemma), on "
                    "ComfyUI 0.18 and newer; this or vlm.",
                ),
            ],
            outputs=[
                EditScores.Output(display_name="scores"),
                io.Boolean.Output(display_name="good"),
                io.String.Output(display_name="reasons"),
                io.Int.Output(display_name="best"),
                io.Image.Output(display_name="best edit"),
                io.String.Output(display_name="complaint"),
            ],
        )

    @classmethod
    @takes_records()
    def execute(
        cls, source, edited, instruction, rules: Rules, vlm=None, clip=None
    ) -> io.NodeOutput:
        model = _model(vlm, clip)
        origin, edits = pictures(one_source(source))[0], pictures(edited)
        if not instruction.strip():
            raise ValueError("instruction: it is empty, so there is nothing to judge by.")
        verdicts, best = _judged(model, origin, edits, instruction, rules)
        first = verdicts[best]
        good = first.scored and not first.rejected and first.overall >= rules.good_from
        table = as_table(verdicts, best, model.name, rules.rubric)
        return io.NodeOutput(
            tuple(one.overall for one in verdicts),
            good,
            table,
            best,
            edited[best : best + 1],
            # Elections run even in a lazy branch, since they show what they found: what stands
            # behind the complaint of a good edit must not.
            ExecutionBlocker(None) if good else first.reason,
            ui={"text": (table,)},
        )


def _model(vlm: Seeing | None, clip: Any) -> Seeing:
    if (vlm is None) == (clip is None):
        raise ValueError(
            "vlm: connect VLMEndpoint or VLMLoader to it, or a text encoder that sees and writes "
            "to clip; one of the two."
        )
    return vlm if vlm is not None else SpeakingClip(clip)


def _judged(
    model: Seeing, origin: ndarray, edits: list[ndarray], instruction: str, rules: Rules
) -> tuple[list[Verdict], int]:
    """A verdict on each, and the index of the best."""
    bar = comfy.utils.ProgressBar(len(edits))

    def heard() -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update(1)

    each = _each(model, origin, instruction, rules)
    verdicts = judge_all(each, edits, rules.on_failure == UNJUDGED, heard)
    best = best_first(verdicts)[0]
    tied = tied_best(verdicts) if rules.break_ties else []
    if len(tied) > 1:
        try:
            best = knock_out(model, origin, edits, instruction, tied)
        except Unanswered:
            if rules.on_failure == STOP:
                raise
    if rules.free_after:
        free(model)
    return verdicts, best


def _each(
    model: Seeing, origin: ndarray, instruction: str, rules: Rules
) -> Callable[[ndarray], Verdict]:
    if rules.rubric != YES_NO:
        rubric = RUBRICS[rules.rubric]
        return lambda edit: judge(model, rubric, origin, edit, instruction, rules.both_orders)
    questions: list[str] = []

    def asked(edit: ndarray) -> Verdict:
        if not questions:  # asked for here, so that a dead model is met where it is expected
            questions.extend(make_questions(model, origin, instruction))
        return judge_yes_no(model, questions, origin, edit, instruction)

    return asked


NODES: list[type[io.ComfyNode]] = [EditJudge]
