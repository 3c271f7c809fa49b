"""The paper's table (ELECT, ICCV 2025, PIE-Bench, 11 seeds) with measured rows below its own.

CLIP-T there is PIE-Bench's CLIP score of the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from .tables import Records, mean_cell

COLUMNS = ("MSE x10^4", "LPIPS x10^3", "PSNR", "CLIP whole", "VIEScore")
HEAD = "| model | selection | MSE x10^4 | LPIPS x10^3 | PSNR | CLIP-T | VIEScore |"
PAPER = (
    ("IP2P", "vanilla (1 seed)", 248.5, 162.4, 20.73, 24.38, 3.43),
    ("IP2P", "best of 5 (BIS)", 146.2, 113.8, 22.95, 24.68, 3.57),
    ("IP2P", "ELECT", 127.5, 103.3, 23.33, 24.97, 3.67),
    ("InsDiff", "vanilla (1 seed)", 372.5, 154.0, 20.25, 24.09, 3.53),
    ("InsDiff", "ELECT", 180.5, 104.5, 22.85, 24.75, 3.82),
    ("MGIE", "vanilla (1 seed)", 341.4, 145.5, 21.16, 24.44, 3.68),
    ("MGIE", "ELECT", 185.1, 102.5, 23.61, 24.73, 3.95),
    ("UltraEdit", "vanilla (1 seed)", 87.5, 115.4, 22.93, 25.20, 4.47),
    ("UltraEdit", "ELECT", 63.8, 92.3, 24.49, 25.36, 4.70),
)


def beside_the_paper(records: Records, methods: Sequence[str]) -> str:
    """The paper's rows, then one for each method; - where a column was not measured."""
    lines = [HEAD, "|---" * 7 + "|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in PAPER]
    for method in methods:
        cells = [mean_cell(records, method, column) for column in COLUMNS]
        lines.append(f"| measured here | {method} | {' | '.join(cells)} |")
    return "\n".join(lines)
