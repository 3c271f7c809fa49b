"""TiNO-Edit's tables in their own layout, and what a guided edit's data set needs for them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation import world
from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.published_tino import TABLES, beside_tino

from ..batch.greys import INVERT

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

PAPER = {
    "tino-text": """\
           T2L   DD    P2P0  SINE  EDICT IP2P  PnP   NTI   Ours
    CLIP-T 0.299 0.316 0.271 0.314 0.327 0.315 0.321 0.316 0.328
    CLIP-I 0.879 0.853 0.793 0.912 0.898 0.845 0.835 0.843 0.924
    DINO-I 0.864 0.862 0.776 0.805 0.838 0.828 0.756 0.799 0.874""",
    "tino-reference": """\
             VCT   GLIGEN PbE   Ours
    CLIP-T   0.267 0.295  0.300 0.311
    CLIP-I   0.899 0.814  0.841 0.928
    CLIP-I_r 0.537 0.616  0.570 0.674
    DINO-I   0.919 0.770  0.813 0.869""",
    "tino-strokes": """\
             BLD_0.5 BLD_0.75 SDEdit_0.5 SDEdit_0.75 Ours
    CLIP-T   0.298   0.287    0.295      0.295       0.298
    CLIP-I   0.930   0.924    0.897      0.953       0.959
    CLIP-I_s 0.956   0.927    0.986      0.956       0.987
    DINO-I   0.953   0.959    0.961      0.973       0.978""",
    "tino-composition": """\
             BLD_0.5 BLD_0.75 SDEdit_0.5 SDEdit_0.75 Ours
    CLIP-T   0.273   0.273    0.294      0.267       0.298
    CLIP-I   0.955   0.950    0.903      0.937       0.958
    CLIP-I_c 0.943   0.945    0.965      0.964       0.978
    DINO-I   0.977   0.975    0.972      0.973       0.983""",
}
"""The paper's Tables 1 to 4, typed a second time."""


def read_back(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", TABLES)
def test_a_published_table_stands_there_as_printed_with_measured_columns(name):
    records = {("a", "m"): {"CLIP-T": 0.25, "CLIP-I source": 0.5, "DINO source": float("nan")}}
    heads, *rows = read_back(beside_tino(name, records, ["m"]))
    typed = [line.split() for line in PAPER[name].replace("Ours", "TiNO-Edit").splitlines()]
    assert [head.replace(" ", "_") for head in heads[1:-1]] == typed[0]
    assert [[row[0].replace(" ", "_"), *row[1:-1]] for row in rows] == typed[1:]
    assert heads[-1] == "measured here: m"
    measured = {row[0]: row[-1] for row in rows}
    assert (measured["CLIP-T"], measured["CLIP-I"], measured["DINO-I"]) == ("0.250", "0.500", "-")


@pytest.mark.server
def test_a_guided_edit_is_run_by_its_reference_and_measured_against_it(
    server: "ComfyServer", weights: Path, tmp_path: Path, capsys
):
    """A workflow that hands the reference on: as like the reference as can be."""
    one = next(world.read(1))
    for name, picture in (("source", one.source), ("strokes", one.target)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    table = tmp_path / "table.csv"
    table.write_text("picture,instruction,reference\nsource.png,x,strokes.png\n")
    guide = {"class_type": "LoadImage", "inputs": {"image": "example.png"}}
    note = {"class_type": "PreviewAny", "inputs": {"source": "{instruction}"}}
    saved = {**INVERT["3"], "inputs": {**INVERT["3"]["inputs"], "images": ["5", 0]}}
    workflow = {"1": INVERT["1"], "3": saved, "4": note, "5": guide}
    (tmp_path / "w.json").write_text(json.dumps(workflow))
    told = ["run", f"csv:{table}", "--method", f"guided={tmp_path / 'w.json'}", "--server"]
    told += [server.url, "--place", "picture=1.image", "--place", "reference=5.image"]
    told += ["--weights", str(weights), "--out", str(tmp_path / "out"), "--paper", "tino-strokes"]
    assert main(told) == 0
    with Image.open(tmp_path / "out" / "runs" / "guided" / "source.png") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), one.target)
    told_back = capsys.readouterr().out
    (row,) = (line for line in told_back.splitlines() if line.startswith("| CLIP-I s |"))
    cells = read_back(row)[0]
    assert cells[-2] == "1.000"  # guided; the last is guided, pasted back: there is no mask
    assert cells[-1] == "-"
