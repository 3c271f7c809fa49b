"""One ledger over many commands: what it holds of other samples, or of what has changed since."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.ledger import Ledger, word_of

GREY = np.full((16, 16, 3), 100, np.uint8)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two edits, of which one has a mask; and somebody's results, a little brighter."""
    (tmp_path / "theirs").mkdir()
    for name in ("a", "b"):
        Image.fromarray(GREY).save(tmp_path / f"{name}.png")
        Image.fromarray(GREY + 51).save(tmp_path / "theirs" / f"{name}.png")
    save_mask(tmp_path, 4)
    text = "picture,instruction,mask,group\na.png,x,m.png,one\nb.png,x,,two\n"
    (tmp_path / "t.csv").write_text(text)
    return tmp_path / "t.csv"


def save_mask(folder: Path, rows: int) -> None:
    mask = np.zeros((16, 16), bool)
    mask[:rows] = True
    Image.fromarray(mask).save(folder / "m.png")


def table_of(folder: Path, capsys: pytest.CaptureFixture, *told: str) -> dict[str, list[str]]:
    """The printed means by method."""
    given = ["--import", f"theirs={folder / 'theirs'}", "--out", str(folder / "out"), "--page", "0"]
    assert main([*told, *given]) == 0
    lines = capsys.readouterr().out.split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows}


def test_a_table_is_of_the_commands_own_samples(table: Path, capsys: pytest.CaptureFixture):
    folder = table.parent
    whole = table_of(folder, capsys, "world:2")
    assert whole["no edit"][3].endswith("(2)")
    assert whole["theirs"] == ["-"] * 5
    own = table_of(folder, capsys, f"csv:{table}")
    assert own["no edit"][0] == "inf (1)"  # of the one with a mask, none of the world's
    assert own["no edit"][3] == "-"
    assert own["theirs"][1].endswith("(1)")
    assert table_of(folder, capsys, f"csv:{table}", "--group", "two")["theirs"] == ["-"] * 5
    assert table_of(folder, capsys, f"csv:{table}", "--group", "one") == own
    assert len(Ledger(folder / "out" / "ledger.jsonl").records) == 2 + 2 * 2 + 1


def test_means_by_category_are_printed_where_they_are_asked_for(
    table: Path, capsys: pytest.CaptureFixture
):
    given = [f"csv:{table}", "--import", f"theirs={table.parent / 'theirs'}", "--page", "0"]
    for more, tables in (([], 0), (["--categories"], 5)):
        assert main([*given, "--out", str(table.parent / "out"), *more]) == 0
        told = capsys.readouterr().out
        assert told.count("By category:") == told.count(" | one | two | mean of these |") == tables


def test_another_mask_is_measured_anew(table: Path, capsys: pytest.CaptureFixture):
    folder = table.parent
    for rows in (4, 12, 4):
        save_mask(folder, rows)
        told = table_of(folder, capsys, f"csv:{table}")["theirs"][1]
        expected = 1e4 * 0.2**2 * (16 - rows) / 16
        assert float(told.split(" ")[0]) == pytest.approx(expected, rel=1e-3)


def test_a_word_tells_parts_apart():
    words = [
        word_of(GREY),
        word_of(GREY, None),
        word_of(GREY, "None"),
        word_of(GREY.reshape(8, 32, 3)),
        word_of(GREY > 3),
        word_of("ab", "c"),
        word_of("a", "bc"),
    ]
    assert len(set(words)) == len(words)
    assert word_of(GREY, "x") == word_of(GREY.copy(), "x")
