"""Data sets, ledgers and weights that are not what they should be: said with their names."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.data import samples_of
from elect_tino.evaluation.sample import read_picture

MAPPING, TURNS, LINES = "mapping_file.json", "edit_turns.json", "metadata.jsonl"
CASES = {
    "pie, no JSON": ("pie:.", MAPPING, "{", "mapping_file.json: expected JSON"),
    "pie, a list": ("pie:.", MAPPING, "[1]", "expected a JSON object, got list"),
    "pie, no picture": ("pie:.", MAPPING, '{"7": {}}', "mapping_file.json, 7: .*no 'image_path'"),
    "magicbrush, no JSON": ("magicbrush:.", TURNS, "{", "edit_turns.json: expected JSON"),
    "magicbrush, no mask": ("magicbrush:.", TURNS, '{"7": [{}]}', "7, turn 1: .*no 'mask'"),
    "folder, no JSON": ("folder:.", LINES, "x", "metadata.jsonl, line 1: expected JSON"),
    "folder, a list": ("folder:.", LINES, "[1]", "line 1: expected a JSON object"),
    "csv, no picture": ("csv:t.csv", "t.csv", "picture,instruction\n,x\n", "expected lines with"),
    "csv, not UTF-8": ("csv:t.csv", "t.csv", "\udcff", "t.csv: expected a CSV in UTF-8"),
    "world, a word": ("world:many", "x", "", "world: expected a number of edits, .* got many"),
    "no sample": ("world:0", "x", "", "world:0: there is no sample"),
}


@pytest.mark.parametrize(("data", "name", "text", "why"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_said_in_one_line(
    data: str, name: str, text: str, why: str, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert main([data, "--out", "out", "--page", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(why, line), line


def evaluated(folder: Path, *more: str) -> int:
    return main(["world:1", "--out", str(folder / "out"), "--page", "0", *more])


@pytest.mark.parametrize("line", ['{"a":', '{"sample": 1}', "[1]", "x"])
def test_a_line_of_a_ledger_that_is_no_record(line: str, tmp_path: Path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ledger.jsonl").write_text(f"{line}\n")
    assert evaluated(tmp_path) == 2
    assert "ledger.jsonl, line 1: this entry cannot be read" in capsys.readouterr().err


def test_weights_that_are_not_there_or_broken(tmp_path: Path, capsys):
    assert evaluated(tmp_path, "--weights", str(tmp_path / "none")) == 2
    assert "--weights: there is no folder" in capsys.readouterr().err
    (tmp_path / "squeezenet1_1-b8a52dc0.pth").write_text("x")
    assert evaluated(tmp_path, "--weights", str(tmp_path)) == 2
    told = capsys.readouterr().err
    assert "squeezenet1_1-b8a52dc0.pth: these weights cannot be read" in told
    assert "arbitrary" not in told  # torch says how to run what a file would run


def test_a_group_that_no_sample_is_of(tmp_path: Path, capsys):
    assert evaluated(tmp_path, "--group", "styles") == 2
    assert "there is no sample of the group 'styles'" in capsys.readouterr().err


def test_a_run_without_a_method_is_none(capsys):
    with pytest.raises(SystemExit):
        main(["run", "world:1"])
    assert "--method" in capsys.readouterr().err


def test_a_picture_that_is_marked_as_turned_is_read_upright(tmp_path: Path):
    """As ComfyUI's LoadImage does: a mask that was drawn upon it fits."""
    shown = np.zeros((2, 3, 3), np.uint8)
    shown[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter to the right
    Image.fromarray(np.rot90(shown)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), shown)


def test_an_instruction_that_is_a_number_is_read_as_text(tmp_path: Path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / LINES).write_text(json.dumps({"file_name": "a.png", "instruction": 3}))
    (one,) = samples_of(f"folder:{tmp_path}")
    assert one.instruction == "3"
