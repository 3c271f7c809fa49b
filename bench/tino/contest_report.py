"""docs/tino_benchmark.md: every loss, and updates against tries at what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bootstrap import interval
from .elections import elected
from .measure import METRICS
from .results import BEST, Results
from .runs import load_result, path_of
from .setups import LOSS_TITLES, LOSSES
from .tables import markdown
from .variants import NUM_FEW, NUM_GUIDED, NUM_SEEDS, VARIANTS

_AN_UPDATE = 4.73  # passes, docs/tino_benchmark_paper.md, "Cost"
_SHOWN = {"success": (100, 1), "error": (1, 0), "mse": (1, 1), "observer": (1, 3)}
_HEADS = ("method", "passes", "success %", "error", "background", "observer", "success", "error")


@dataclass(frozen=True)
class Entry:
    """A row: worth (edits, METRICS), base: what it is compared with, the same edits."""

    title: str
    passes: str
    worth: np.ndarray
    base: np.ndarray | None = None

    def cells(self) -> list[str]:
        means = self.worth.mean(0)
        shown = [
            f"{scale * means[METRICS.index(name)]:.{digits}f}"
            for name, (scale, digits) in _SHOWN.items()
        ]
        return [self.title, self.passes, *shown, self._gain("success"), self._gain("error")]

    def _gain(self, name: str) -> str:
        if self.base is None:
            return ""
        column, (scale, digits) = METRICS.index(name), _SHOWN[name]
        parts = (scale * v for v in interval(self.worth[:, column] - self.base[:, column]))
        mean, low, high = (f"{v:+.{digits}f}" for v in parts)
        return f"{mean} [{low}, {high}]"


def table(entries: list[Entry]) -> str:
    """One row an entry; the last two columns are differences with 95 % intervals."""
    head = [*_HEADS[:6], "success minus base", "error minus base"]
    return markdown(head, [entry.cells() for entry in entries])


class Contest:
    """The kept results of a contest, as rows over several kinds."""

    def __init__(self, results: Results):
        self.results = results

    def worth(self, name: str, kinds, stage: int, few: bool = False) -> np.ndarray:
        """(edits, METRICS); few: of the edits that the side questions ran on."""
        first = self.results.num_each if few else None
        return np.concatenate([self.results.worth(name, k)[stage, :first] for k in kinds])

    def seeds(self, name: str, kinds, few: bool = False) -> np.ndarray:
        """(S, edits, METRICS) of all seeds."""
        first = self.results.num_each if few else None
        return np.concatenate([self.results.worth(name, k)[:, :first] for k in kinds], 1)

    def losses(self, name: str, loss: str, kinds) -> np.ndarray:
        """(S, edits) of one loss."""
        row = list(LOSSES).index(loss)
        return np.concatenate([self._losses(name, kind)[row] for kind in kinds], 1)

    def _losses(self, name: str, kind: str) -> np.ndarray:
        """(L, S, edits) of one kind."""
        variant, plan = VARIANTS[name], self.results.plan
        batches = [batch for batch in plan.batches(variant) if batch.kind == kind]
        read = [load_result(path_of(self.results.folder, variant, b))["losses"] for b in batches]
        return np.concatenate([one.numpy() for one in read], 2)

    def best_of(self, name: str, loss: str, number: int, kinds) -> np.ndarray:
        """(edits, METRICS) expected of the best of `number` seeds by a loss."""
        return elected(self.seeds(name, kinds), self.losses(name, loss, kinds), number)

    def main(self, kinds) -> list[Entry]:
        """What ran on all edits."""
        start, mean = self.worth("seeds", kinds, 0), self.seeds("seeds", kinds).mean(0)
        guided = self.seeds("seeds-3", kinds).mean(0)
        updates = f"{1 + 10 * _AN_UPDATE:.0f}"
        return [
            Entry("nothing done", "0", self.worth("c-given", kinds, 0)),
            Entry("SDEdit 0.75", "1", self.worth("c-sdedit", kinds, 0), start),
            Entry("BLD 0.75", "1", self.worth("c-bld", kinds, 0), start),
            Entry("W = 0, the first seed", "1", start),
            Entry("W = 0, the mean seed", "1", mean),
            Entry("the same at guidance 3", "2", guided, mean),
            *(
                Entry(f"best of {n} by {LOSS_TITLES[loss]}", str(n), one, mean)
                for loss in LOSSES
                for n in (4, 16, NUM_SEEDS)
                for one in [self.best_of("seeds", loss, n, kinds)]
            ),
            *(
                Entry(f"guidance 3, best of {n} by towards", str(2 * n), one, mean)
                for n in (4, NUM_GUIDED)
                for one in [self.best_of("seeds-3", "towards", n, kinds)]
            ),
            Entry("ours: 10 updates", updates, self.worth("ours", kinds, BEST), start),
            Entry(
                "16 tries, then 10 updates",
                f"{16 + 10 * _AN_UPDATE:.0f}",
                self.worth("ours-16", kinds, BEST),
                mean,
            ),
            Entry(
                "*bound:* true error, 10 updates", updates, self.worth("bound", kinds, BEST), start
            ),
            Entry("any of the seeds, by the truth", str(NUM_SEEDS), self.any_seed(kinds), mean),
            Entry("the truth", "", self.worth("c-truth", kinds, 0)),
        ]

    def any_seed(self, kinds) -> np.ndarray:
        """The seed with the lowest true error of each edit, successes first."""
        worth = self.seeds("seeds", kinds)
        column, success = METRICS.index("error"), METRICS.index("success")
        best = (worth[..., column] - 1e6 * worth[..., success]).argmin(0)
        return worth[best, np.arange(worth.shape[1])]

    def few(self, kinds) -> list[Entry]:
        """Side questions, on the first edits of each kind."""
        start = self.worth("seeds", kinds, 0, few=True)
        rows = [Entry("W = 0, the first seed", "1", start)]
        for name, title, count in (
            ("ours", "ours: 10 updates", 10),
            ("ours-30", "ours: 30 updates", 30),
            ("directional", "directional, 10 updates", 10),
            ("paper-30", "the paper's loss and rates, 30 updates", 30),
        ):
            made = self.worth(name, kinds, BEST, few=True)
            rows.append(Entry(title, f"{1 + count * _AN_UPDATE:.0f}", made, start))
        for steps in (1, 2):
            every = self.seeds(f"seeds-k{steps}", kinds, few=True)
            chosen = self.best_of(f"seeds-k{steps}", "towards", NUM_FEW, kinds)
            share = steps / self.results.plan.settings.num_steps
            updated = self.worth(f"ours-k{steps}", kinds, BEST, few=True)
            rows += [
                Entry(f"K = {steps}, the mean seed", f"{share:.1f}", every.mean(0), start),
                Entry(
                    f"K = {steps}, best of {NUM_FEW} by towards",
                    f"{NUM_FEW * share:.1f}",
                    chosen,
                    start,
                ),
                Entry(
                    f"K = {steps}, 10 updates",
                    f"{share * (1 + 10 * _AN_UPDATE):.1f}",
                    updated,
                    start,
                ),
            ]
        return rows

    def longest(self) -> list[Entry]:
        """The paper's own K and W, on the kinds that were run."""
        kinds = [kind for kind in self.results.plan.kinds if self.has("paper-k10", kind)]
        if not kinds:
            return []
        first = self.worth("paper-k10", kinds, 0)
        marks = ((0, 0), (1, 10), (3, 30), (5, 50))
        return [
            Entry(
                f"{', '.join(kinds)}: W = {mark}",
                f"{2 * (1 + mark * _AN_UPDATE):.0f}",
                self.worth("paper-k10", kinds, stage),
                first,
            )
            for stage, mark in marks
        ]

    def has(self, name: str, kind: str) -> bool:
        """Whether a variant was run on all its edits of a kind."""
        variant, plan = VARIANTS[name], self.results.plan
        batches = [batch for batch in plan.batches(variant) if batch.kind == kind]
        return all(path_of(self.results.folder, variant, batch).exists() for batch in batches)


_HEAD = """# TiNO-Edit on the embedded test split: every loss, updates against tries

Made by `python3 dev.py bench tino contest{arguments}` on one CPU thread. The first {num} test
edits of each of five kinds ({all} in all), K = {k} steps, T = {t:g}, guidance 1 unless said; {few}
of each kind for the side questions. Small numbers: with {all} edits a success rate is known to
about 13 points, so read the intervals. What to use when: [tino_when.md](tino_when.md). The paper's
own form on 60 edits of each kind, up to W = 50, with its ablations and the cost:
[tino_benchmark_paper.md](tino_benchmark_paper.md).

- *passes*: of the K = {k} denoising steps, forward; an update counts {update} (measured there),
  smoothing not counted.
- *success*: by the ground truth. *error*: mean squared, x1e4, to the true edit behind the VAE,
  inside the true mask; lower is better, and finer than success. *background*: the same outside,
  against the untouched source. *observer*: likeness to the source in a network that no loss uses;
  the truth's own value is the goal, not 1. CLIP is the loss and judges nothing here.
- *minus base*: edit by edit with 95 % bootstrap intervals; updates against the same first noise
  without updates, elections and guidance against the mean seed.
- *best of N by a loss*: the mean over all draws of N from {seeds} seeds ({guided} at guidance 3).
- *the paper's* loss is Eq. 8 (Eq. 4 and 0.5 of the perceptual term; a reference in the place of
  the texts); *towards the target* and *directional* are ours, with no perceptual term, and with a
  reference they count beside it.
- *ours*: target + contrast, smoothed over 8 noisy copies, lr_noise 0.02, norm kept, timesteps
  fixed; the lowest loss is put out.
"""


def write_contest(results: Results, options: str, extra: str, path: Path) -> Path:
    """Write the page. options: that remake it; extra: further sections."""
    contest, plan = Contest(results), results.plan
    head = _HEAD.format(
        arguments=options,
        num=plan.num_edits,
        all=plan.num_edits * len(plan.kinds),
        k=plan.settings.num_steps,
        t=plan.settings.strength,
        few=results.num_each,
        update=_AN_UPDATE,
        seeds=NUM_SEEDS,
        guided=NUM_GUIDED,
    )
    parts = [
        head,
        f"## All kinds\n\n{table(contest.main(plan.kinds))}\n",
        "## Side questions: more updates, other losses, fewer steps\n\n"
        f"{table(contest.few(plan.kinds))}\n",
        f"## The paper at its own K = 10\n\n{results.num_each} edits of each kind named, against "
        f"its own W = 0; passes are of K = {plan.settings.num_steps}.\n\n"
        f"{table(contest.longest())}\n",
        extra,
        *(f"## {kind.capitalize()}\n\n{table(contest.main([kind]))}\n" for kind in plan.kinds),
    ]
    path.write_text("\n".join(part for part in parts if part), encoding="utf-8")
    return path
