"""One sampler's measurements on one model, and its policies as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..edits import EditBench
from ..markdown import markdown
from .measure import MAPS, Measured
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

    @property
    def iou(self) -> dict[str, float]:
        """Of every mask with the true one, mean over edits; the true mask's own is 1."""
        means = np.mean([one.iou for one in self.measured], axis=0)
        return {**dict(zip(MAPS, map(float, means), strict=True)), "truth": 1.0}

    def table(self, policies: Sequence[Policy]) -> str:
        """The policies as a Markdown table, the IoU of their masks beside them."""
        return table([evaluate(policy, self.measured) for policy in policies], self.iou)


def cell(result: Result, metric: str) -> str:
    """A metric with its interval, shares in percent."""
    mean, low, high = result.of(metric)
    if metric in PERCENT:
        return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    digits = 3 if metric == "ssim" else 1
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def table(results: Sequence[Result], iou: Mapping[str, float] | None = None) -> str:
    """Results as a Markdown table; metrics that were not measured are left out.

    iou: of masks with the true one, by name, for a column of their own
    """
    shown = [m for m in METRICS if not np.isnan(results[0].of(m)[0])]
    heads = ["choice", "NFE", *(HEADS[m] for m in shown), *([] if iou is None else ["mask IoU"])]
    lines = []
    for result in results:
        policy = result.policy
        cells = [policy.name, str(policy.nfe), *(cell(result, m) for m in shown)]
        if iou is not None:
            cells.append(f"{iou[policy.mask]:.2f}" if policy.mask else "")
        lines.append(cells)
    return markdown(heads, lines)
