"""An election in numbers: table, CSV file, plain facts."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import folder_paths
import torch
from torch import Tensor

from ...elect_core.schedule import best_of_n_nfe
from ...elect_core.selection import Ranking
from ...tensor_files import written_whole
from ..host.elect.run import why_from_start
from .candidates import notes
from .choice import Chosen
from .file_names import check_file_name
from .placed import in_words as place_in_words
from .pool import Pool
from .score import BARELY, Scored
from .types import Candidates


@dataclass(frozen=True)
class Row:
    """One line of the score table, best candidate first."""

    rank: int
    candidate: int
    seed: int
    bis: float
    change_inside: float
    shift: str
    eligible: bool
    score: float
    judge: float | None


def rows(candidates: Candidates | Pool, scored: Scored) -> list[Row]:
    """The score table, best candidate first; candidates are counted from 1."""
    return [
        Row(
            rank=place + 1,
            candidate=index + 1,
            seed=candidates.seeds[index],
            bis=float(scored.outside[index]),
            change_inside=float(scored.edits[index]),
            shift=_shift(scored, index),
            eligible=place < scored.ranking.num_eligible,
            score=float(scored.scores[index]),
            judge=None if scored.judged is None else scored.judged[index],
        )
        for place, index in enumerate(scored.ranking.order)
    ]


def _shift(scored: Scored, index: int) -> str:
    """How a candidate lay on the source: its shift in pixels down and right, and its zoom.

    Empty where none was sought.
    """
    if scored.placements is None:
        return ""
    placement = scored.placements[index]
    down, right = placement[2:].tolist()
    moved = f"{down:+.3g} {right:+.3g}"
    zoom = place_in_words(torch.cat([placement[:2], torch.zeros(2)]))
    return f"{moved}, {zoom}" if zoom else moved


def as_table(table: list[Row], scored: Scored, out: Mapping[int, str] | None = None) -> str:
    """The score table as text, warnings below it.

    out: why a candidate (by its number) is not electable, where it is for another reason
    """
    lines = ["rank  candidate  seed                  BIS       change inside"]
    by_bis = torch.equal(scored.scores, scored.outside)
    if not by_bis:
        lines[0] += "  score"
    if scored.judged is not None:
        lines[0] += "     judge"
    if scored.placements is not None:
        lines[0] += "  shift"
    for row in table:
        note = "" if by_bis else f"       {row.score:<8.5g}"
        note += "" if row.judge is None else f"       {row.judge:<8.3g}"
        note += f"       {row.shift}" if row.shift else ""
        note += "" if row.eligible else "  " + (out or {}).get(row.candidate, "not electable")
        lines.append(
            f"{row.rank:<4}  {row.candidate:<9}  {row.seed:<20}  {row.bis:<8.5f}  "
            f"{row.change_inside:<8.5f}{note}"
        )
    ranking = scored.ranking
    lines.append(
        f"spread {ranking.spread:.1%} of the mean; {in_words(ranking, scored.judged is not None)}"
    )
    if scored.placements is not None:
        lines.append("shift: pixels down and right, and zoom, undone before scoring")
    return "\n".join([*lines, *scored.warnings])


def in_words(ranking: Ranking, by_judge: bool = False) -> str:
    """What the confidence means, and the number where there is one."""
    sure = ranking.confidence
    if ranking.num_eligible == 1:
        return "there was no rival"
    if ranking.spread < BARELY:
        return "the seeds barely differ, so any of them may be taken"
    if sure is None and by_judge:
        return "a judge has a say in the order: how sure it is, is not known"
    if ranking.final:
        return "all have run to their end, so by this score the order is final"
    if sure is None:
        return "one step says nothing of how sure the choice is"
    word = "clear" if sure >= 0.8 else "likely" if sure >= 0.5 else "open: look at the runners-up"
    return f"confidence {sure:.2f} that the first would still be first at the end ({word})"


def check_csv_prefix(prefix: str) -> None:
    """Raise ValueError where it leads out of the output folder, or no file can be called so."""
    root = os.path.realpath(folder_paths.get_output_directory())
    path = os.path.realpath(os.path.join(root, prefix))
    if prefix and os.path.commonpath([root, path]) != root:
        raise ValueError(f"csv_prefix: expected a path below the output folder, got {prefix!r}.")
    check_file_name(prefix, "csv_prefix")


def write_csv(table: list[Row], prefix: str) -> str:
    """Write the table below ComfyUI's output folder and return its path; whole or not at all.

    Raises ValueError where the prefix leads out of the folder.
    """
    check_csv_prefix(prefix)
    root = folder_paths.get_output_directory()
    folder, name, counter, _, _ = folder_paths.get_save_image_path(prefix, root)
    path = os.path.join(folder, f"{name}_{counter:05}_.csv")
    with (
        written_whole(path, folder_paths.get_temp_directory()) as part,
        open(part, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(asdict(table[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in table)
    return path


def _as_json(values: Tensor) -> list[float | None]:
    """Numbers that JSON can say: None for NaN and infinities, which a browser cannot read."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def facts(candidates: Candidates, scored: Scored, chosen: Chosen) -> dict:
    """What a front end or a script wants to know of an election, as plain values."""
    run, tape = candidates.run, candidates.tape
    n, k = len(candidates.seeds), run.num_steps
    calls_per_step = len(tape.calls) / len(tape.steps)
    anew = candidates.stop_step < k and why_from_start(run) is not None
    remaining = round((k if anew else k - candidates.stop_step) * calls_per_step)
    return {
        "seeds": list(candidates.seeds),
        # JavaScript's numbers hold 53 bits, a seed has 64.
        "seed_texts": [str(seed) for seed in candidates.seeds],
        "scores": _as_json(scored.scores),
        "change_inside": _as_json(scored.edits),
        "order": list(scored.ranking.order),
        "num_eligible": scored.ranking.num_eligible,
        "shifts": None if scored.placements is None else scored.placements[:, 2:].tolist(),
        "zooms": None if scored.placements is None else scored.placements[:, :2].tolist(),
        "places": [] if scored.placements is None else list(map(place_in_words, scored.placements)),
        "best": scored.ranking.elected,
        "elected": chosen.first,
        "elected_seed": candidates.seeds[chosen.first],
        "elected_score": _as_json(scored.scores[[chosen.first]])[0],
        "chosen": list(chosen.indices),
        "gone_seeds": list(chosen.gone),
        "num_steps": k,
        "stop_step": candidates.stop_step,
        "stop_sigma": candidates.stop_sigma,
        "nfe": candidates.cost.nfe + remaining,
        "nfe_best_of_n": round(best_of_n_nfe(n, k) * calls_per_step),
        "nfe_spent": candidates.cost.nfe,
        "model_evaluations": candidates.cost.model_evaluations,
        "spread": scored.ranking.spread,
        "confidence": scored.ranking.confidence,
        "confidence_words": in_words(scored.ranking, scored.judged is not None),
        "judged": None if scored.judged is None else _as_json(torch.tensor(scored.judged)),
        "idle": scored.ranking.num_idle,
        "set_aside": scored.ranking.num_small,
        "bis": _as_json(scored.outside),
        "warnings": list(scored.warnings),
        "notes": notes(candidates),
        "tape_bytes": tape.nbytes,
    }
