"""What the nodes' defaults are chosen by: the validation split, over every dose of the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .policies import elect, vanilla
from .races import raced
from .report import DOCS
from .rules import OURS, PAPER
from .section import Section
from .worth import METRICS

MSE, SUCCESS = METRICS.index("mse"), METRICS.index("success")
BUDGETS = (0.25, 0.5, 1.0)
"""Shares of the calls of Best-of-N within which one way is chosen each."""
SHORT = 0.02
"""How far success may lie below one seed's on a model: two of a hundred edits."""


@dataclass(frozen=True)
class Way:
    """A way to choose, on every model: mean calls, error and success, each (V,)."""

    name: str
    calls: np.ndarray
    error: np.ndarray
    success: np.ndarray

    def ratio(self, base: Way) -> float:
        """Error by one seed's, geometric mean over models."""
        return float(np.exp(np.log(self.error / base.error).mean()))

    def least_gain(self, base: Way) -> float:
        """Success against one seed's, on the model where that is least."""
        return float((self.success - base.success).min())


@dataclass(frozen=True)
class Model:
    """One model's measured edits, and the folder of their tapes."""

    section: Section
    folder: Path


def _way(name: str, each: Sequence[tuple[float, np.ndarray]]) -> Way:
    calls = np.array([calls for calls, _ in each])
    means = np.stack([values.mean(0) for _, values in each])
    return Way(name, calls, means[:, MSE], means[:, SUCCESS])


def _rules(models: Sequence[Model]) -> list[Way]:
    """One seed, then every score, guard and mask at 20 %, 40 % and the end."""
    n, k = models[0].section.num_candidates, models[0].section.num_steps
    policies = [vanilla(k)]
    policies += [elect(rule, stop, n, k) for stop in (0.2, 0.4, 1.0) for rule in (PAPER, *OURS)]

    def of(value: Callable, model: Model) -> np.ndarray:
        return np.stack([value(one) for one in model.section.measured])

    return [_way(p.name, [(p.nfe, of(p.value, model)) for model in models]) for p in policies]


def ways(models: Sequence[Model]) -> list[Way]:
    """One seed first; the true mask is no way that a user has."""
    each = [
        raced(m.section.bench, m.folder, [one.worth for one in m.section.measured]) for m in models
    ]
    found = [_way(name, [one[name] for one in each]) for name in each[0]]
    return [way for way in (*_rules(models), *found) if "truth" not in way.name]


def chosen(every: Sequence[Way], budget: float) -> Way:
    """The least error within a budget of calls, of those that keep one seed's success."""
    base, most = every[0], budget * max(way.calls.max() for way in every)
    able = [w for w in every if w.calls.mean() <= most and w.least_gain(base) >= -SHORT]
    return min(able, key=lambda way: way.ratio(base))


def _row(way: Way, base: Way, best: Sequence[Way]) -> str:
    name = f"**{way.name}**" if any(way is one for one in best) else way.name
    each = [f"{e:.1f} / {100 * s:.0f}" for e, s in zip(way.error, way.success, strict=True)]
    joint = f"{way.ratio(base):.3f} | {100 * way.least_gain(base):+.0f}"
    return f"| {name} | {way.calls.mean():.0f} | {joint} | {' | '.join(each)} |"


def write_choice(models: Sequence[Model], command: str) -> Path:
    """Write docs/elect_choice.md."""
    every = ways(models)
    base, best = every[0], [chosen(every, budget) for budget in BUDGETS]
    section = models[0].section
    heads = " | ".join(f"*{model.section.bench.variant}*" for model in models)
    lines = [f"| choice | calls | error by one seed's | least gain | {heads} |"]
    lines.append("|---" * (4 + len(models)) + "|")
    lines += [_row(way, base, best) for way in every]
    told = "\n".join(
        f"- within {budget:.0%} of the calls: {way.name} ({way.calls.mean():.0f} calls)"
        for budget, way in zip(BUDGETS, best, strict=True)
    )
    path = DOCS / "elect_choice.md"
    path.write_text(
        _HEAD.format(
            command=command,
            edits=len(section.measured),
            seeds=section.num_candidates,
            steps=section.num_steps,
            short=100 * SHORT,
            told=told,
            rows="\n".join(lines),
        ),
        encoding="utf-8",
    )
    return path


_HEAD = """# What the defaults are chosen by

Made by `{command}`: {edits} edits of the *validation* split, {seeds} seeds, {steps} steps, Euler,
on every embedded model that edits in many steps. Nothing here is of the test split, and nothing on
the pages of the [test split](does_it_work.md) was used to choose.

*Error* is background MSE x1e4 outside the true mask, as a geometric mean over the models by one
seed's; *least gain* is success against one seed's, in points, on the model where it gains least.
In the models' columns: error / success %. Chosen within a budget of calls (of Best-of-{seeds}'s) is
the least error among those whose success lies nowhere more than {short:.0f} points below one
seed's:

{told}

{rows}
"""
