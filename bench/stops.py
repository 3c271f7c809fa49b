"""How early the estimates are good enough: what each stop keeps of the choice at the end."""

from collections.abc import Sequence

import numpy as np

from ..elect_core.schedule import elect_nfe, step_count
from .bootstrap import interval
from .measure import STOPS, Measured
from .policies import Policy, elect, paired_gain, vanilla

EARLY = tuple(stop for stop in STOPS if stop < 1)


def agreement(
    measured: Sequence[Measured], mask: str, stop: float, number: int
) -> tuple[float, float, float]:
    """Share of elections that choose whom the same score chooses at the end, with its interval."""
    early, late = ((mask, "latent", at, number) for at in (stop, 1.0))
    same = [np.mean(np.equal(m.elected[early], m.elected[late])) for m in measured]
    mean, low, high = interval(np.array(same))
    return float(mean), float(low), float(high)


def _gain(policy: Policy, num_steps: int, measured: Sequence[Measured]) -> str:
    mean, low, high = paired_gain(policy, vanilla(num_steps), measured, "mse")
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def table(measured: Sequence[Measured], number: int, noise_to_signal: Sequence[float]) -> str:
    """One row for each stop, Markdown; noise_to_signal (K,): of the estimate of every step."""
    num_steps = len(noise_to_signal)
    lines = [
        "| stop | NFE | noise / signal | elects as at the end % | background MSE x1e4 | "
        "true mask: elects as at the end % | background MSE x1e4 |",
        "|---" * 7 + "|",
    ]
    for stop in (*EARLY, 1.0):
        last = step_count(stop, num_steps)
        cells = [f"{stop:.0%}", str(elect_nfe(number, last, num_steps))]
        cells.append(f"{noise_to_signal[last - 1]:.2f}")
        for mask in ("paper", "truth"):
            share = (100 * value for value in agreement(measured, mask, stop, number))
            cells.append("{:.0f} [{:.0f}, {:.0f}]".format(*share))
            cells.append(_gain(elect(mask, "latent", stop, number, num_steps), num_steps, measured))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
