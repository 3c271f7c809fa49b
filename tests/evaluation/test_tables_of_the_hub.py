"""Data sets in the Hub's forms: tables and image folders; results under their published names."""

import json

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation import world
from elect_tino.evaluation.data import form_of, samples_of
from elect_tino.evaluation.results import imported
from elect_tino.evaluation.sample import as_png


@pytest.fixture(scope="module")
def one():
    return next(iter(world.read(1)))


def table(folder, rows):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    (folder / "data").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "data" / "dev-0.parquet")


def test_magicbrush_tables_turn_by_turn(one, tmp_path):
    alpha = np.where(one.mask, 0, 255).astype(np.uint8)
    row = {
        "source_img": {"bytes": as_png(one.source), "path": None},
        "mask_img": {"bytes": as_png(np.dstack([one.source, alpha])), "path": None},
        "target_img": {"bytes": as_png(one.target), "path": None},
    }
    rows = [
        {"img_id": img, "turn_index": turn, "instruction": f"do {turn}", **row}
        for img, turn in ((7, 1), (7, 2), (9, 1))
    ]
    table(tmp_path, rows)
    read = list(samples_of(f"magicbrush:{tmp_path}"))
    assert [(r.name, r.group) for r in read] == [
        ("7_inde_1", "earlier turn"),
        ("7_inde_2", "final turn"),
        ("9_inde_1", "final turn"),
    ]
    np.testing.assert_array_equal(read[0].mask, one.mask)
    np.testing.assert_array_equal(read[1].target, one.target)
    stacked = list(samples_of(f"magicbrush-iterative:{tmp_path}"))
    assert [(s.turn, s.after) for s in stacked] == [(1, ""), (2, "7_iter_1"), (1, "")]
    form, where = form_of(f"magicbrush:{tmp_path}")
    assert form.count(where) == 3


def test_results_are_found_under_magicbrushs_own_names(one, tmp_path):
    (tmp_path / "edit_turns.json").write_text(
        json.dumps({"7": [{"instruction": "x", "input": "i.png", "output": "i.png", "mask": "m"}]})
    )
    (tmp_path / "images" / "7").mkdir(parents=True)
    Image.fromarray(one.source).save(tmp_path / "images" / "7" / "i.png")
    (tmp_path / "theirs" / "7").mkdir(parents=True)
    Image.fromarray(one.target).save(tmp_path / "theirs" / "7" / "7_1.png")
    (sample,) = samples_of(f"magicbrush:{tmp_path}")
    np.testing.assert_array_equal(imported(tmp_path / "theirs")(sample), one.target)


def test_gedit_tables_and_their_results(one, tmp_path):
    rows = [
        {
            "task_type": "color_alter",
            "key": "k1",
            "instruction": "x",
            "instruction_language": "en",
            "input_image": {"bytes": as_png(one.source), "path": None},
        }
    ]
    table(tmp_path, rows)
    (read,) = samples_of(f"gedit:{tmp_path}")
    assert (read.name, read.group) == ("fullset/color_alter/en/k1", "color_alter")
    np.testing.assert_array_equal(read.source, one.source)


def test_an_image_folder_with_its_metadata(one, tmp_path):
    Image.fromarray(one.source).save(tmp_path / "0.png")
    line = {"file_name": "0.png", "instruction": "x", "key": "7", "category": "style"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(line) + "\n")
    (read,) = samples_of(f"folder:{tmp_path}")
    assert (read.name, read.instruction, read.group) == ("7", "x", "style")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "0.png"}\n')
    with pytest.raises(ValueError, match="file_name and instruction"):
        list(samples_of(f"folder:{tmp_path}"))


def test_a_table_without_a_field_names_it(tmp_path):
    table(tmp_path, [{"task_type": "x", "key": "k", "instruction": "x"}])
    with pytest.raises(ValueError, match="have no input_image, instruction_language"):
        list(samples_of(f"gedit:{tmp_path}"))


def test_an_image_folder_may_tell_of_itself_in_a_csv(one, tmp_path):
    Image.fromarray(one.source).save(tmp_path / "0.png")
    (tmp_path / "metadata.csv").write_text("file_name,instruction\n0.png,x\n")
    (read,) = samples_of(f"folder:{tmp_path}")
    assert (read.name, read.instruction, read.group) == ("0", "x", "")
    form, where = form_of(f"folder:{tmp_path}")
    assert form.count(where) == 1


def test_a_folder_without_tables_says_what_is_wanted(tmp_path):
    for kind in ("gedit", "magicbrush", "folder"):
        with pytest.raises(ValueError, match="expected.*huggingface.co/datasets/"):
            list(samples_of(f"{kind}:{tmp_path}"))
    with pytest.raises(ValueError, match="expected.*a form: github.com/cure-lab/PnPInversion"):
        list(samples_of(f"pie:{tmp_path}"))
