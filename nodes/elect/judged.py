"""An election with a judge's word in it: an extra column, and weighed in, the order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from comfy_api.latest import io

from ...judging.weighing import weighed
from .shown import Shown
from .table import Row


@io.comfytype(io_type="EDIT_SCORES")
class EditScores(io.ComfyTypeIO):
    """A judge's score of each candidate, higher is better, NaN where unscored."""

    Type = object


def judged_inputs() -> list[io.Input]:
    """The judge's scores and their weight; a node's last inputs."""
    return [
        EditScores.Input(
            "judged",
            optional=True,
            lazy=True,
            tooltip="Scores of EditJudge or CLIPJudge for the candidates' pictures, in their "
            "order: decode the estimates of TweedieEstimate and judge those.",
        ),
        io.Float.Input(
            "judge_weight",
            default=0.5,
            min=0.0,
            max=1.0,
            step=0.05,
            optional=True,
            tooltip="Weight of judged against the score, both scaled from the best to the worst "
            "candidate. 0 shows the judge's column and leaves the order; 1 is the judge alone.",
        ),
    ]


def with_judge(shown: Shown, judged: Sequence[float] | None, weight: float) -> Shown:
    """The election with the judge's column, its electable candidates in the order of both."""
    if judged is None:
        return shown
    scored, ranking = shown.scored, shown.scored.ranking
    if len(judged) != len(ranking.order):
        raise ValueError(
            f"judged: expected a score for each of {len(ranking.order)} candidates, got "
            f"{len(judged)}. Judge the decoded output of TweedieEstimate, all of it."
        )
    values = weighed(scored.scores.tolist(), judged, weight)
    able = sorted(ranking.order[: ranking.num_eligible], key=lambda i: (values[i], i))
    order = (*able, *ranking.order[ranking.num_eligible :])
    if weight > 0:
        ranking = replace(ranking, order=order, confidence=None, final=False)
    order = ranking.order
    warnings = list(scored.warnings)
    missing = sum(map(math.isnan, judged))
    if missing:
        warnings.append(f"{missing} of {len(judged)} were not judged and count as the median.")
    scored = replace(scored, ranking=ranking, judged=tuple(judged), warnings=tuple(warnings))
    return replace(shown, scored=scored, table=_ordered(shown.table, order, judged), written={})


def _ordered(table: Sequence[Row], order: Sequence[int], judged: Sequence[float]) -> list[Row]:
    """The table's lines in another order, with the judge's column."""
    lines = {row.candidate - 1: row for row in table}
    return [
        replace(lines[index], rank=place, judge=judged[index])
        for place, index in enumerate(order, start=1)
    ]
