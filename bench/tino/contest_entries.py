"""The kept results of a contest as rows over several kinds; what was not run has no row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from ...tino_core.inversion import ROUNDS
from .chord_edit import NUM_CALLS
from .contest_rows import FEW, FEW_MARKS, MARKS, NUM_MORE, NUM_SEEDS, SELDOM
from .elections import elected
from .entries import Entry
from .measure import METRICS
from .results import Results
from .runs import path_of
from .setups import LOSS_TITLES, LOSSES
from .sharing import seconds_an_edit

AN_UPDATE = 4.73  # passes, docs/tino_benchmark_paper.md, "Cost"
Kinds = Sequence[str]


class Contest:
    """Rows by group; every row is compared with the mean seed or the first, at W = 0."""

    def __init__(self, results: Results):
        self.results = results

    @cached_property
    def _seconds(self) -> dict[str, float]:
        return seconds_an_edit(self.results.folder)

    def cost(self, name: str, share: float = 1) -> float | None:
        """CPU seconds of a share of what a variant ran, for an edit."""
        return share * self._seconds[name] if name in self._seconds else None

    def has(self, name: str, kinds: Kinds) -> bool:
        """Whether a variant was run on all its edits of the kinds."""
        plan = self.results.plan
        if name not in plan.named:
            return False
        variant = plan.named[name]
        batches = [batch for batch in plan.batches(variant) if batch.kind in kinds]
        return all(path_of(self.results.folder, variant, batch).exists() for batch in batches)

    def worth(self, name: str, kinds: Kinds) -> np.ndarray:
        """(S, edits, METRICS)."""
        return np.concatenate([self.results.worth(name, kind) for kind in kinds], 1)

    def losses(self, name: str, kinds: Kinds) -> np.ndarray:
        """(L, S, edits), rows as in LOSSES."""
        names = [name, "more-seeds"] if name == "seeds" and self._all_fifty(kinds) else [name]
        return np.concatenate([self._losses(one, kinds) for one in names], 1)

    def _losses(self, name: str, kinds: Kinds) -> np.ndarray:
        variant, plan, folder = (
            self.results.plan.named[name],
            self.results.plan,
            self.results.folder,
        )
        batches = [b for kind in kinds for b in plan.batches(variant) if b.kind == kind]
        read = [self.results.read(path_of(folder, variant, batch)) for batch in batches]
        return np.concatenate([one["losses"].numpy() for one in read], 2)

    def _all_fifty(self, kinds: Kinds) -> bool:
        return self.has("more-seeds", kinds)

    def seeds(self, name: str, kinds: Kinds) -> np.ndarray:
        """(S, edits, METRICS) of all first noises."""
        found = [self.worth(name, kinds)]
        if name == "seeds" and self._all_fifty(kinds):
            found.append(self.worth("more-seeds", kinds))
        return np.concatenate(found)

    def best_of(self, name: str, loss: str, number: int, kinds: Kinds) -> np.ndarray:
        """(edits, METRICS) expected of the best of `number` seeds by a loss."""
        row = list(LOSSES).index(loss)
        return elected(self.seeds(name, kinds), self.losses(name, kinds)[row], number)

    def starts(self, kinds: Kinds) -> Iterator[Entry]:
        """What is done without any loss."""
        first, mean = self.worth("seeds", kinds)[0], self.seeds("seeds", kinds).mean(0)
        one = self.cost("seeds", 1 / NUM_SEEDS)
        yield Entry("nothing done", 0, self.worth("c-given", kinds)[0])
        for name, title in (("c-sdedit", "SDEdit 0.75"), ("c-bld", "BLD 0.75")):
            yield Entry(title, 1, self.worth(name, kinds)[0], first, self.cost(name))
        chord = NUM_CALLS / self.results.plan.settings.num_steps
        between_texts = (
            ("flow-edit", "FlowEdit", 2),
            ("flow-edit-3", "FlowEdit, guidance 3", 3),
            ("chord-edit", "ChordEdit", chord),
            ("chord-edit-4", "ChordEdit, the model of 4 steps", chord),
        )
        for name, title, passes in between_texts:
            if self.has(name, kinds):
                yield Entry(title, passes, self.worth(name, kinds)[0], first, self.cost(name))
        yield Entry("W = 0, the first seed", 1, first, None, one)
        yield Entry("W = 0, the mean seed", 1, mean, None, one)
        if self.has("seeds-3", kinds):
            guided = self.seeds("seeds-3", kinds).mean(0)
            yield Entry("guidance 3", 2, guided, mean, self.cost("seeds-3", 1 / NUM_SEEDS))
        if self.has("inverted", kinds):
            own = self.worth("inverted", kinds)[0]
            yield Entry("from its own noise", 1 + ROUNDS, own, mean, self.cost("inverted"))

    def elections(self, kinds: Kinds) -> Iterator[Entry]:
        """The best of several first noises by each loss."""
        mean = self.seeds("seeds", kinds).mean(0)
        for loss, title in LOSS_TITLES.items():
            for n in _drawable(self.seeds("seeds", kinds), 4, NUM_SEEDS, NUM_SEEDS + NUM_MORE):
                best, cost = (
                    self.best_of("seeds", loss, n, kinds),
                    self.cost("seeds", n / NUM_SEEDS),
                )
                yield Entry(f"best of {n} by {title}", n, best, mean, cost)
        if self.has("seeds-3", kinds):
            for n in _drawable(self.seeds("seeds-3", kinds), 4, NUM_SEEDS):
                best = self.best_of("seeds-3", "towards", n, kinds)
                cost = self.cost("seeds-3", n / NUM_SEEDS)
                yield Entry(
                    f"guidance 3, best of {n} by towards the target", 2 * n, best, mean, cost
                )

    def updates(self, kinds: Kinds) -> Iterator[Entry]:
        """Updates by each loss, after tries, and through the loss only."""
        first = self.worth("seeds", kinds)[0]
        for loss in (one for one in LOSS_TITLES if one not in SELDOM):
            yield from self._by_loss(loss, kinds, first)
        if self.has("tried", kinds):
            passes = NUM_SEEDS + 10 * AN_UPDATE
            made, mean = self.worth("tried", kinds)[0], self.seeds("seeds", kinds).mean(0)
            cost = _sum(self.cost("seeds"), self.cost("tried"))
            yield Entry("16 tries, then 10 updates by ours", passes, made, mean, cost)
        for name, title, begin in (
            ("loss-only", "updates through the loss only (FlowOpt's way)", 0),
            ("loss-only-inverted", "the same from the source's own noise", ROUNDS),
        ):
            yield from self._marked(name, title, kinds, first, 1, begin)

    def _by_loss(self, loss: str, kinds: Kinds, base: np.ndarray) -> Iterator[Entry]:
        title = f"updates by {LOSS_TITLES[loss]}"
        return self._marked(f"updates-{loss}", title, kinds, base, AN_UPDATE)

    def seldom(self) -> list[Entry]:
        """Updates by the losses that ran on few edits, beside the first seed on the same ones."""
        kinds, few = self.results.plan.kinds, self.results.plan.num_few
        first = np.concatenate([self.results.worth("seeds", kind)[0, :few] for kind in kinds])
        found = [row for loss in SELDOM for row in self._by_loss(loss, kinds, first)]
        return [Entry("W = 0, the first seed", 1, first), *found] if found else []

    def _marked(
        self, name: str, title: str, kinds: Kinds, base: np.ndarray, each: float, begin: float = 0
    ) -> Iterator[Entry]:
        """One row a mark, where it was run. each, begin: passes of an update, before the first."""
        if not self.has(name, kinds):
            return
        for made, mark in zip(self.worth(name, kinds), MARKS, strict=True):
            cost = self.cost(name, (mark + 1) / (MARKS[-1] + 1))
            yield Entry(f"{mark} {title}", begin + 1 + mark * each, made, base, cost)

    def few_steps(self, kinds: Kinds) -> Iterator[Entry]:
        """Models of few steps, beside the mean seed of the many-step one."""
        mean = self.seeds("seeds", kinds).mean(0)
        for levels in FEW.values():
            if self.has(f"few-{len(levels)}", kinds):
                yield from self._of_few_steps(len(levels), kinds, mean)
        if self.has("handed", kinds):
            passes = 1 + NUM_SEEDS / self.results.plan.settings.num_steps
            title = "best of 16 of 1 step by ours, its noise given to the many-step model"
            cost = _sum(self.cost("handed"), self.cost("few-1"))
            yield Entry(title, passes, self.worth("handed", kinds)[0], mean, cost)

    def _of_few_steps(self, steps: int, kinds: Kinds, mean: np.ndarray) -> Iterator[Entry]:
        name, share = f"few-{steps}", steps / self.results.plan.settings.num_steps
        said = f"{steps} step{'s' * (steps > 1)}"
        one = self.cost(name, 1 / NUM_SEEDS)
        yield Entry(f"{said}, the mean seed", share, self.seeds(name, kinds).mean(0), mean, one)
        for n in _drawable(self.seeds(name, kinds), 4, NUM_SEEDS):
            best, cost = self.best_of(name, "ours", n, kinds), self.cost(name, n / NUM_SEEDS)
            yield Entry(f"{said}, best of {n} by ours", n * share, best, mean, cost)
        if self.has(f"{name}-ours", kinds):
            for made, mark in zip(self.worth(f"{name}-ours", kinds), FEW_MARKS, strict=True):
                cost = self.cost(f"{name}-ours", (mark + 1) / (FEW_MARKS[-1] + 1))
                passes = share * (1 + mark * AN_UPDATE)
                yield Entry(f"{said}, {mark} updates by ours", passes, made, mean, cost)
        if self.has(f"{name}-tried", kinds):
            passes = share * (NUM_SEEDS + 10 * AN_UPDATE)
            made = self.worth(f"{name}-tried", kinds)[0]
            cost = _sum(self.cost(name), self.cost(f"{name}-tried"))
            yield Entry(f"{said}, 16 tries, then 10 updates by ours", passes, made, mean, cost)

    def bounds(self, kinds: Kinds) -> Iterator[Entry]:
        """What nobody has: the truth as loss, as judge, and itself."""
        worth = self.seeds("seeds", kinds)
        first, mean = worth[0], worth.mean(0)
        if self.has("bound", kinds):
            made, passes = self.worth("bound", kinds)[0], 1 + 10 * AN_UPDATE
            yield Entry("*bound:* 10 updates by the true error", passes, made, first)
        column, success = METRICS.index("error"), METRICS.index("success")
        best = (worth[..., column] - 1e6 * worth[..., success]).argmin(0)
        chosen = worth[best, np.arange(worth.shape[1])]
        yield Entry("*bound:* the best seed by the truth", len(worth), chosen, mean)
        yield Entry("the truth", None, self.worth("c-truth", kinds)[0])

    def longest(self) -> list[Entry]:
        """The paper's own K, with the kinds that were run."""
        kinds = [kind for kind in self.results.plan.kinds if self.has("paper-k10", [kind])]
        if not kinds:
            return []
        first, share = self.worth("paper-k10", kinds)[0], 10 / self.results.plan.settings.num_steps
        return [
            Entry(f"W = {mark}", share * (1 + mark * AN_UPDATE), made, first)
            for mark, made in zip((0, *MARKS), self.worth("paper-k10", kinds), strict=True)
        ]


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _drawable(seeds: np.ndarray, *numbers: int) -> list[int]:
    """Of how many of the seeds (S, ...) a best can be."""
    return [number for number in numbers if number <= len(seeds)]
