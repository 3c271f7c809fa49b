"""How early the estimates are good enough: what each stop keeps of the choice at the end."""

from collections.abc import Sequence

import numpy as np

from ...elect_core.schedule import elect_nfe, step_count
from ..bootstrap import interval
from ..markdown import markdown
from .measure import STOPS, Measured
from .policies import Policy, elect, paired_gain, vanilla
from .rules import PAPER, TRUE, Rule

EARLY = tuple(stop for stop in STOPS if stop < 1)


def agreement(
    measured: Sequence[Measured], rule: Rule, stop: float, number: int
) -> tuple[float, float, float]:
    """Share of elections that choose whom the same score chooses at the end, with its interval."""
    early, late = ((rule, at, number) for at in (stop, 1.0))
    same = [np.mean(np.equal(m.elected[early], m.elected[late])) for m in measured]
    mean, low, high = interval(np.array(same))
    return float(mean), float(low), float(high)


def _gain(policy: Policy, num_steps: int, measured: Sequence[Measured]) -> str:
    """In dB, where an edit whose background is lost weighs less than in the mean squared error."""
    mean, low, high = paired_gain(policy, vanilla(num_steps), measured, "psnr")
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def between(
    measured: Sequence[Measured], number: int, num_steps: int, early: float, late: float
) -> str:
    """A sentence: what the later of two stops gains over the earlier, edit by edit."""
    early_one, late_one = (elect(PAPER, stop, number, num_steps) for stop in (early, late))
    psnr, mse = (paired_gain(late_one, early_one, measured, metric) for metric in ("psnr", "mse"))
    return (
        f"Stop {late:.0%} against {early:.0%}, edit by edit: background PSNR {psnr[0]:+.2f} dB "
        f"[{psnr[1]:+.2f}, {psnr[2]:+.2f}], MSE x1e4 {mse[0]:+.1f} [{mse[1]:+.1f}, {mse[2]:+.1f}]."
    )


def table(measured: Sequence[Measured], number: int, noise_to_signal: Sequence[float]) -> str:
    """One row for each stop, Markdown; noise_to_signal (K,): of the estimate of every step."""
    num_steps = len(noise_to_signal)
    shown = ("elects as at the end %", "background PSNR dB")
    lines = []
    for stop in (*EARLY, 1.0):
        last = step_count(stop, num_steps)
        cells = [f"{stop:.0%}", str(elect_nfe(number, last, num_steps))]
        cells.append(f"{noise_to_signal[last - 1]:.2f}")
        for rule in (PAPER, TRUE):
            share = (100 * value for value in agreement(measured, rule, stop, number))
            cells.append("{:.0f} [{:.0f}, {:.0f}]".format(*share))
            cells.append(_gain(elect(rule, stop, number, num_steps), num_steps, measured))
        lines.append(cells)
    heads = ("stop", "NFE", "noise / signal", *shown, f"true mask: {shown[0]}", shown[1])
    return markdown(heads, lines)
