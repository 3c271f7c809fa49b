"""docs/tino_benchmark.md: every loss, and updates against tries at what they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .contest_entries import AN_UPDATE, Contest
from .contest_rows import NUM_SEEDS
from .entries import Entry, table
from .ranking import ranking_text
from .results import Results
from .slopes import slopes_text

_HEAD = """# TiNO-Edit on the embedded test split: every loss, updates against tries

Made by `python3 dev.py bench tino contest{arguments}`. The first {num} test edits of each of five
kinds ({all} in all), K = {k} steps, T = {t:g}, guidance 1 unless said. What to use when:
[tino_when.md](tino_when.md). The paper's own form at length, with its ablations
and the cost: [tino_benchmark_paper.md](tino_benchmark_paper.md).

- *passes*: of the K = {k} denoising steps, forward; an update counts {update} (4.4 to 4.8
  measured there), smoothing not counted. *CPU s*: of one thread for an edit, measured here,
  smoothing and losses counted; it varies with what else the machine does.
- *success*: by the ground truth. *error*: mean squared, x1e4, to the true edit behind the VAE,
  inside the true mask; lower is better, and finer than success. *background*: the same outside,
  against the untouched source. *observer*: likeness to the source in a network that no loss uses;
  the truth's own value is the goal, not 1. CLIP is the loss and judges nothing here.
- *FlowEdit*: without inversion, from the source to the target (arXiv 2412.08629), in the model's
  own terms and inside the mask; two calls a step, three when guided.
- *ChordEdit*: one move by both texts (arXiv 2601.14115) at its authors' times for SD-Turbo, five
  calls in all; with the model of many steps, and with that of four.
- *minus base*: edit by edit with 95 % bootstrap intervals; updates against the same first noise
  without updates, all else against the mean seed.
- *best of N by a loss*: the mean over all draws of N from the seeds that were run ({seeds} at
  guidance 3 and of the models of few steps).
- *the paper's* loss is Eq. 8 (Eq. 4 and 0.5 of the perceptual term; a reference in the place of
  the texts); *towards the target* and *directional* are ours, with no perceptual term, and with a
  reference they count beside it. *ours* is *towards* over 8 noisy copies of the result.
- *W updates*: the lowest loss so far is put out. Eq. 8 and Eq. 4 with the paper's rates, the others
  with lr_noise 0.02, norm kept, timesteps fixed; *through the loss only*: see TiNOOptimize.
- *models of few steps*: those that ship, at the noise levels they were distilled at, from pure
  noise (T = 1); the *mean seed* that they are compared with is the many-step model's.
"""
_GROUPS: dict[str, Callable[[Contest, Sequence[str]], object]] = {
    "Without a loss": Contest.starts,
    "First noises chosen by a loss": Contest.elections,
    "Updates": Contest.updates,
    "Models of one to four steps": Contest.few_steps,
    "Bounds": Contest.bounds,
}


def entries(contest: Contest, kinds: Sequence[str]) -> dict[str, list[Entry]]:
    """Rows by group, empty groups left out."""
    found = {title: list(rows(contest, kinds)) for title, rows in _GROUPS.items()}  # type: ignore
    return {title: rows for title, rows in found.items() if rows}


def _section(contest: Contest, title: str, kinds: Sequence[str]) -> str:
    parts = [f"### {name}\n\n{table(rows)}\n" for name, rows in entries(contest, kinds).items()]
    return "\n".join([f"## {title}\n", *parts])


def _missing(contest: Contest) -> str:
    plan = contest.results.plan
    left = [v.title for v in plan.main if not contest.has(v.name, plan.kinds)]
    return f"Not run, so without a row: {', '.join(left)}.\n" if left else ""


def _longest(contest: Contest) -> str:
    rows = contest.longest()
    if not rows:
        return ""
    k, few = contest.results.plan.settings.num_steps, len(rows[0].worth)
    return (
        f"## The paper at its own K = 10\n\n{few} edits, against its own W = 0; passes are of "
        f"K = {k}.\n\n{table(rows)}\n"
    )


def _seldom(contest: Contest) -> str:
    rows = contest.seldom()
    if not rows:
        return ""
    return f"## Two more losses, on {len(rows[0].worth)} edits\n\n{table(rows)}\n"


def _kept(path: Path, make: Callable[[], str]) -> str:
    """A text that takes minutes to make, made once."""
    if not path.exists():
        path.write_text(make(), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def write_contest(results: Results, options: str, path: Path) -> Path:
    """Write the page. options: that remake it."""
    contest, plan, number = Contest(results), results.plan, results.plan.num_edits
    head = _HEAD.format(
        arguments=options,
        num=number,
        all=number * len(plan.kinds),
        k=plan.settings.num_steps,
        t=plan.settings.strength,
        update=AN_UPDATE,
        seeds=NUM_SEEDS,
    )
    bench, folder = results.bench, results.folder
    parts = [
        head,
        _missing(contest),
        _section(contest, "All kinds", plan.kinds),
        _seldom(contest),
        _longest(contest),
        _kept(folder / f"ranking-{number}.md", lambda: ranking_text(bench, number)),
        _kept(folder / f"slopes-{number}.md", lambda: slopes_text(bench, number)),
        *(_section(contest, kind.capitalize(), [kind]) for kind in plan.kinds),
    ]
    path.write_text("\n".join(part for part in parts if part), encoding="utf-8")
    return path
