"""TiNO-Edit's tables (CVPR 2024, Tables 1 to 4) with measured columns beside its own.

Its 200 samples were not published, and it does not name the sizes of its CLIP and DINO: ours are
MagicBrush's (ViT-B/32, ViT-S/16). CLIP-I and DINO-I compare with the *source* here; CLIP-I r, s, c
with the reference picture, the strokes or the collage that the edit is guided by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .tables import Records, mean_cell

Row = tuple[str, str, tuple[float, ...]]
"""What the paper calls it, our column, the published value of each method."""


@dataclass(frozen=True)
class Published:
    """A table of the paper: its methods in order, a row for each measure."""

    methods: tuple[str, ...]
    rows: tuple[Row, ...]


def _table(methods: str, clip_t: str, clip_i: str, guided: tuple[str, str], dino: str) -> Published:
    """A table from its lines as printed; guided: the name and values of CLIP-I r, s or c."""
    lines = [("CLIP-T", "CLIP-T", clip_t), ("CLIP-I", "CLIP-I source", clip_i)]
    if guided[0]:
        lines.append((guided[0], "CLIP-I reference", guided[1]))
    lines.append(("DINO-I", "DINO source", dino))
    rows = tuple((name, own, tuple(map(float, told.split()))) for name, own, told in lines)
    return Published(tuple(methods.split(",")), rows)


TEXT_METHODS = "T2L,DD,P2P0,SINE,EDICT,IP2P,PnP,NTI,TiNO-Edit"
STROKE_METHODS = "BLD 0.5,BLD 0.75,SDEdit 0.5,SDEdit 0.75,TiNO-Edit"
TABLES: Mapping[str, Published] = {
    "tino-text": _table(
        TEXT_METHODS,
        "0.299 0.316 0.271 0.314 0.327 0.315 0.321 0.316 0.328",
        "0.879 0.853 0.793 0.912 0.898 0.845 0.835 0.843 0.924",
        ("", ""),
        "0.864 0.862 0.776 0.805 0.838 0.828 0.756 0.799 0.874",
    ),
    "tino-reference": _table(
        "VCT,GLIGEN,PbE,TiNO-Edit",
        "0.267 0.295 0.300 0.311",
        "0.899 0.814 0.841 0.928",
        ("CLIP-I r", "0.537 0.616 0.570 0.674"),
        "0.919 0.770 0.813 0.869",
    ),
    "tino-strokes": _table(
        STROKE_METHODS,
        "0.298 0.287 0.295 0.295 0.298",
        "0.930 0.924 0.897 0.953 0.959",
        ("CLIP-I s", "0.956 0.927 0.986 0.956 0.987"),
        "0.953 0.959 0.961 0.973 0.978",
    ),
    "tino-composition": _table(
        STROKE_METHODS,
        "0.273 0.273 0.294 0.267 0.298",
        "0.955 0.950 0.903 0.937 0.958",
        ("CLIP-I c", "0.943 0.945 0.965 0.964 0.978"),
        "0.977 0.975 0.972 0.973 0.983",
    ),
}


def beside_tino(table: str, records: Records, methods: Sequence[str]) -> str:
    """A published table in its own layout, then a column a method; - where nothing was measured."""
    paper = TABLES[table]
    heads = ["", *paper.methods, *(f"measured here: {method}" for method in methods)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, own, published in paper.rows:
        cells = [mean_cell(records, method, own, ".3f") for method in methods]
        told = [f"{value:.3f}" for value in published]
        lines.append(f"| {' | '.join([name, *told, *cells])} |")
    return "\n".join(lines)
