"""Election on models of four steps, two and one: how early, and with texts that are moved."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...elect_core.schedule import step_count
from ..edits import FEW_STEPS, EditBench
from .measure import Measured, Weights, elections
from .policies import Policy, elect, evaluate, oracle, paired_gain, vanilla
from .report import DOCS
from .rules import TRUE, Rule
from .runs import load_run, run_edits
from .section import HEADS, cell
from .worth import judge_pictures

JITTERS = (0.0, 0.25, 0.5, 1.0)
GUARD = 0.8
RULES = (
    Rule("change", guard=GUARD),
    Rule("change"),
    Rule("tokens", guard=GUARD),
    Rule("change", criterion="consensus"),
    TRUE._replace(guard=GUARD),
)
SHOWN = ("mse", "success", "no_edit")


@dataclass(frozen=True)
class Group:
    """The edits of one model under one jitter.

    spread (E,): how far candidates' pictures lie from their mean, in 255ths, mean over pixels
    """

    jitter: float
    measured: list[Measured]
    spread: np.ndarray


def stops(num_steps: int) -> list[float]:
    """Each step before the end, and the end, as fractions."""
    return [step / num_steps for step in range(1, num_steps + 1)]


def _spread(pictures: Tensor) -> float:
    return 255 * float((pictures - pictures.mean(0)).abs().mean())


@torch.inference_mode()
def _measure(bench: EditBench, folder: Path, index: int) -> tuple[Measured, float]:
    edit, run = bench.edit(index), load_run(folder, index)
    latent = bench.source_latent(edit)
    finished = bench.decode(run.estimates[-1]).clamp(0, 1)
    source = bench.decode(latent)[0].clamp(0, 1).numpy()
    worth = judge_pictures(edit, finished.numpy(), source)
    weights = Weights(edit, run, latent, bench.model.model.process_latent_in)
    shape = finished.movedim(-1, 1)
    elected = elections(bench, weights, latent, shape, stops(len(run.estimates)), RULES)
    return Measured(worth, elected), _spread(finished)


def group(bench: EditBench, options: argparse.Namespace, jitter: float) -> Group:
    """All edits of a model under one jitter; runs what is missing."""
    name = f"few-{options.seeds}-{jitter:g}" + ("" if bench.split == "test" else f"-{bench.split}")
    folder = options.folder / bench.run_fingerprint / name
    run_edits(bench, folder, "euler", options.edits, options.seeds, text_jitter=jitter)
    found = [_measure(bench, folder, index) for index in range(options.edits)]
    return Group(jitter, [one for one, _ in found], np.array([spread for _, spread in found]))


def policies(number: int, num_steps: int) -> list[Policy]:
    """One seed, every stop by ours, the other rules at half of the steps, the bounds."""
    half = step_count(0.5, num_steps) / num_steps
    return [
        vanilla(num_steps),
        *(elect(RULES[0], stop, number, num_steps) for stop in stops(num_steps)),
        *(elect(rule, half, number, num_steps) for rule in RULES[1:]),
        oracle(number, num_steps),
    ]


def rows(found: Group, number: int, num_steps: int) -> list[str]:
    """The rows of the table of one model."""
    lines = []
    for policy in policies(number, num_steps):
        result = evaluate(policy, found.measured)
        cells = " | ".join(cell(result, metric) for metric in SHOWN)
        lines.append(f"| {found.jitter:g} | {policy.name} | {policy.nfe} | {cells} |")
    return lines


def _summary(variant: str, groups: list[Group], number: int, num_steps: int) -> list[str]:
    """How far candidates differ, and what the first election is worth, by jitter."""
    ours = elect(RULES[0], step_count(0.5, num_steps) / num_steps, number, num_steps)
    lines = []
    for found in groups:
        one, elected = (evaluate(p, found.measured) for p in (vanilla(num_steps), ours))
        cells = [f"{found.spread.mean():.2f}"]
        cells += [f"{100 * r.of('success')[0]:.1f}" for r in (one, elected)]
        cells += [f"{r.of('mse')[0]:.1f}" for r in (one, elected)]
        gained = paired_gain(ours, vanilla(num_steps), found.measured, "success")
        cells.append("{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * value for value in gained)))
        lines.append(f"| *{variant}* | {found.jitter:g} | {' | '.join(cells)} |")
    return lines


def write_few_steps(options: argparse.Namespace) -> str:
    """Run what is missing, and write the page."""
    first, tables = [], []
    for variant, num_steps in FEW_STEPS.items():
        bench = EditBench(None, num_steps, variant, options.split)
        groups = [group(bench, options, jitter) for jitter in JITTERS]
        first += _summary(variant, groups, options.seeds, num_steps)
        heads = " | ".join(HEADS[metric] for metric in SHOWN)
        tables.append(f"## *{variant}*\n\n| text_jitter | choice | NFE | {heads} |\n{'|---' * 6}|")
        tables += [line for one in groups for line in rows(one, options.seeds, num_steps)]
        tables.append("")
    suffix = "" if options.split == "test" else f"_{options.split}"
    told = f"--edits {options.edits}" + (f" --split {options.split}" if suffix else "")
    head = HEAD.format(told=told, **vars(options))
    text = "\n".join([head, *first, "", *tables])
    (DOCS / f"elect_few_steps{suffix}.md").write_text(text, encoding="utf-8")
    return text


HEAD = """# Election on models of few steps

Made by `python3 dev.py bench few-steps {told}`: {edits} edits of the {split} split, {seeds}
seeds, Euler, no guidance, so no text-free call and no relevance map: the mask is where the
candidates' median differs from the source (*change*). The embedded models *flow_4*, *flow_2* and
*flow_1* are distilled from *flow* ([embedded.md](embedded.md)). With `text_jitter` a candidate is
(seed, moved text): every vector of its text is turned by noise of that share of its length, drawn
by the seed. *Differ*: mean distance of the candidates' finished pictures to their mean, in 255ths.
The gain is that of ELECT over {seeds} seeds at half of the steps, guard 0.8, over one seed of the
same jitter; 95 % bootstrap intervals over edits.

| model | text_jitter | differ | success %: one | elected | error: one | elected | gain, points |
|---|---|---|---|---|---|---|---|"""
