"""Pages and plots of the benchmark, written to docs/."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np

from ..markdown import markdown
from . import stops
from .measure import MAPS, NUMBERS
from .policies import (
    Policy,
    calls_to_reach,
    elect,
    evaluate,
    oracle,
    paired_gain,
    pasted_seed,
    untouched,
    vanilla,
)
from .rules import OURS, PAPER, PAPERS, SAFE, TRUE
from .section import HEADS, PERCENT, Section, table
from .worth import METRICS

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main_policies(section: Section) -> list[Policy]:
    """Vanilla, Best-of-N, ELECT over stops, oracles: the paper's comparison."""
    n, k = section.num_candidates, section.num_steps
    return [
        vanilla(k),
        elect(PAPER, 1.0, n, k),
        *(elect(PAPER, stop, n, k) for stop in stops.EARLY),
        elect(TRUE, 0.4, n, k),
        elect(TRUE, 1.0, n, k),
        oracle(n, k),
        untouched(),
        pasted_seed(k),
        elect(PAPER, 0.4, n, k, pasted=True),
    ]


def number_policies(section: Section) -> list[Policy]:
    """ELECT at stop 40 % and Best-of-N over the number of candidates."""
    numbers = [n for n in NUMBERS if n <= section.num_candidates]
    k = section.num_steps
    return [elect(PAPER, stop, n, k) for stop in (0.4, 1.0) for n in numbers]


def form_policies(section: Section) -> list[Policy]:
    """Both relevance forms in both BIS spaces at stop 40 %."""
    n, k = section.num_candidates, section.num_steps
    return [elect(rule, 0.4, n, k) for rule in PAPERS if rule.mask != "truth"]


def our_policies(section: Section) -> list[Policy]:
    """Every score, guard and mask beside the paper's, at stop 40 % and at the end."""
    n, k = section.num_candidates, section.num_steps
    return [elect(rule, stop, n, k) for stop in (0.4, 1.0) for rule in (PAPER, *OURS)]


def efficiency(section: Section) -> str:
    """Calls that Best-of-N needs for what ELECT reaches (the paper's table of efficiency)."""
    k = section.num_steps
    numbers = [n for n in NUMBERS if n <= section.num_candidates]
    best = [evaluate(elect(PAPER, 1.0, n, k), section.measured) for n in numbers]
    curve = [evaluate(vanilla(k), section.measured), *best]
    lines = []
    for n in numbers:
        mine = evaluate(elect(PAPER, 0.4, n, k), section.measured)
        needed, nfe = calls_to_reach(mine, curve), mine.policy.nfe
        words = "more than it has" if needed is None else f"{needed:.0f}"
        times = "" if needed is None else f"{needed / nfe:.2f}"
        lines.append((f"{n} seeds, MSE {mine.of('mse')[0]:.1f}", str(nfe), words, times))
    return markdown(("ELECT, stop 40%", "its calls", "Best-of-N needs", "times"), lines)


def gains(section: Section) -> str:
    """Paired differences against one seed, which the intervals above hide."""
    n, k = section.num_candidates, section.num_steps
    lines = []
    for policy in (elect(PAPER, 0.4, n, k), elect(SAFE, 0.4, n, k), elect(PAPER, 1.0, n, k)):
        mse = paired_gain(policy, vanilla(k), section.measured, "mse")
        success = paired_gain(policy, vanilla(k), section.measured, "success")
        points = ", ".join(f"{100 * value:+.1f}" for value in success[1:])
        error = f"{mse[0]:+.1f} [{mse[1]:+.1f}, {mse[2]:+.1f}]"
        lines.append((policy.name, error, f"{100 * success[0]:+.1f} [{points}]"))
    return markdown(("against one seed", "background MSE x1e4", "success, points"), lines)


def mask_quality(section: Section) -> str:
    """IoU of each map with the true mask."""
    return ", ".join(f"{name} {section.iou[name]:.3f}" for name in MAPS)


def plot(section: Section, path: Path) -> None:
    """Background error and success against NFE, for ELECT at 40 % and for Best-of-N."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    base = evaluate(vanilla(section.num_steps), section.measured)
    numbers = [n for n in NUMBERS if n <= section.num_candidates]
    for axis, metric in zip(axes, ("mse", "success"), strict=True):
        for stop, label in ((1.0, "Best-of-N by BIS"), (0.4, "ELECT, stop 40 %")):
            policies = [elect(PAPER, stop, n, section.num_steps) for n in numbers]
            results = [base, *(evaluate(policy, section.measured) for policy in policies)]
            nfe = [r.policy.nfe for r in results]
            scale = 100 if metric in PERCENT else 1
            mean, low, high = (
                scale * np.array([r.of(metric)[i] for r in results]) for i in range(3)
            )
            axis.plot(nfe, mean, marker="o", label=label)
            axis.fill_between(nfe, low, high, alpha=0.15)
        axis.set(xlabel="NFE", ylabel=HEADS[metric], xscale="log")
        axis.set_xticks([20, 40, 80, 160, 320], ["20", "40", "80", "160", "320"], minor=False)
        axis.minorticks_off()
    axes[0].legend()
    figure.suptitle(f"{section.name}, {len(section.measured)} edits")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def early_text(section: Section) -> str:
    """What each stop keeps, and whether 40 % is better than 30 %."""
    number, ratios = section.num_candidates, section.bench.noise_to_signal
    return (
        f"{stops.table(section.measured, number, ratios)}\n\n"
        f"{stops.between(section.measured, number, len(ratios), 0.3, 0.4)}"
    )


def beside_text(section: Section, other: Section) -> str:
    """How early it can be told with two models, on the same edits."""
    number = len(other.measured)
    same = replace(section, measured=section.measured[:number])
    parts = [
        f"## Beside variant *{other.bench.variant}*, {section.sampler}\n",
        "The two follow schedules of their own, so the same share of the steps is another noise\n"
        "level: compare rows of like noise / signal too. They were also trained unequally long\n"
        "([embedded.md](embedded.md)).\n",
    ]
    for one in (same, other):
        base = table([evaluate(vanilla(one.num_steps), one.measured)])
        parts.append(
            f"*{one.bench.variant}*, the first {number} edits; IoU of the relevance map "
            f"{mask_quality(one)}:\n\n{base}\n\n{early_text(one)}\n"
        )
    return "\n".join(parts)


def section_text(section: Section) -> str:
    """All tables of one sampler."""
    image = f"images/elect_benchmark_{section.name}.png"
    plot(section, DOCS / image)
    return f"""## {section.sampler}

{len(section.measured)} {section.bench.split} edits, {section.num_candidates} seeds each,
{section.num_steps} steps, {section.bench.guided_by}.

{section.table(main_policies(section))}

{gains(section)}

![background error and success against cost]({image})

How early it can be told: the share of elections that choose whom the same score chooses at the end
(by chance {100 / section.num_candidates:.0f} %), and what the background gains over one seed,
edit by edit; with the relevance map and with the true mask. Noise / signal is that of the estimate
which is scored.

{early_text(section)}

Number of candidates:

{section.table(number_policies(section))}

What Best-of-N costs where it reaches the same background error:

{efficiency(section)}

Other scores, guards and masks, at stop 40 % and at the end. A guard sets aside what edits less than
that share of the median edit; *change* is where the candidates agree on a change, at no extra call:

{section.table(our_policies(section))}

Relevance form and BIS space, stop 40 %:

{section.table(form_policies(section))}

IoU with the true mask, of the maps of all candidates (relevance: the first 20 % of the steps;
change: of the finished pictures; at the threshold that marks as many pixels):
{mask_quality(section)}.
"""


_HEAD = """# ELECT on the embedded {split} split{title}

Made by `python3 dev.py bench quality{arguments}`. Means over edits with 95 % bootstrap intervals in
brackets. Background metrics compare with the decoded encoding of the source outside the true mask,
so that the VAE's own loss counts for nobody; *no edit* is a change inside the mask of under a
quarter of what the true edit makes. NFE counts guider calls. {lpips}

"""


def write_report(
    sections: Sequence[Section], arguments: str, beside: Sequence[Section] = ()
) -> Path:
    """Write the page of one model, and its plots; beside: another model with the same samplers.

    Ancestral samplers alone have a page apart: fresh noise at every step makes other candidates.
    """
    variant = sections[0].bench.variant
    suffix, title = ("", "") if variant == "editing" else (f"_{variant}", f": variant *{variant}*")
    split = sections[0].bench.split
    suffix += "" if split == "test" else f"_{split}"
    suffix += "_ancestral" if all("ancestral" in one.sampler for one in sections) else ""
    present = not np.isnan(sections[0].measured[0].worth[0, METRICS.index("lpips")])
    lpips = "" if present else "LPIPS is left out: its backbone's weights were not present."
    text = _HEAD.format(split=split, title=title, arguments=arguments, lpips=lpips)
    parts = [section_text(section) for section in sections]
    parts += [beside_text(one, other) for one, other in zip(sections, beside, strict=False)]
    text += "\n".join(parts)
    path = DOCS / f"elect_benchmark{suffix}.md"
    path.write_text(text, encoding="utf-8")
    return path
