"""One sampler's measurements on one model, and its policies as tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..edits import EditBench
from .measure import Measured
from .policies import Policy, Result, evaluate
from .worth import METRICS

HEADS = {
    "mse": "background MSE x1e4",
    "psnr": "PSNR dB",
    "ssim": "SSIM",
    "lpips": "LPIPS x1e3",
    "success": "success %",
    "no_edit": "no edit %",
}
PERCENT = ("success", "no_edit")


@dataclass(frozen=True)
class Section:
    """One sampler's measurements on one model."""

    bench: EditBench
    sampler: str
    measured: Sequence[Measured]

    @property
    def num_steps(self) -> int:
        """Steps of a run."""
        return len(self.bench.sigmas) - 1

    @property
    def name(self) -> str:
        """Names files of this section."""
        variant = self.bench.variant
        name = self.sampler if variant == "editing" else f"{variant}_{self.sampler}"
        return name if self.bench.split == "test" else f"{name}_{self.bench.split}"

    @property
    def num_candidates(self) -> int:
        """Seeds of each edit."""
        return len(self.measured[0].worth)

    def table(self, policies: Sequence[Policy]) -> str:
        """The policies as a Markdown table."""
        return table([evaluate(policy, self.measured) for policy in policies])


def _cell(result: Result, metric: str) -> str:
    mean, low, high = result.of(metric)
    if metric in PERCENT:
        return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    digits = 3 if metric == "ssim" else 1
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def table(results: Sequence[Result]) -> str:
    """Results as a Markdown table; metrics that were not measured are left out."""
    shown = [m for m in METRICS if not np.isnan(results[0].of(m)[0])]
    lines = [
        "| choice | NFE | " + " | ".join(HEADS[m] for m in shown) + " |",
        "|---" * (len(shown) + 2) + "|",
    ]
    lines += [
        f"| {r.policy.name} | {r.policy.nfe} | " + " | ".join(_cell(r, m) for m in shown) + " |"
        for r in results
    ]
    return "\n".join(lines)
