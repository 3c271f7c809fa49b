"""Records and files: whole or not there, once each; the folder or table they come from."""

import io

import numpy as np
import pytest
from PIL import Image

from elect_tino.batch import pictures
from elect_tino.batch.__main__ import jobs_of, list_failures
from elect_tino.batch.book import Book, write
from elect_tino.batch.jobs import Failed, Job, Made, named
from elect_tino.batch.places import Places

PLACES = Places({"1": {"class_type": "LoadImage", "inputs": {"image": ""}}}, {}, "1")


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(file, "png")
    return file.getvalue()


def test_a_record_comes_after_its_pictures_and_replaces_a_failure(tmp_path):
    book = Book(tmp_path)
    job = Job("sub/a", "m", PLACES)
    book.give_up(job, Failed("bad", ("u", "v")))
    assert book.why_failed("sub/a", "m") == "bad"
    assert list_failures(book, tmp_path / "f.csv") == 1
    assert 'sub/a,m,"u, v",bad' in (tmp_path / "f.csv").read_text()
    made = Made(((".png", b"one"), (".png", b"two")), {"nfe": 3}, 1.5, "u")
    assert book.keep(job, made).files == ("m/sub/a.png", "m/sub/a_2.png")
    book.close()
    book = Book(tmp_path)
    kept = book.made("sub/a", "m")
    assert kept is not None
    assert (kept.facts, kept.key, kept.server) == ({"nfe": 3}, job.key, "u")
    assert [(tmp_path / file).read_bytes() for file in kept.files] == [b"one", b"two"]
    assert book.failures() == []
    book.close()


def test_one_run_at_a_time(tmp_path):
    book = Book(tmp_path)
    with pytest.raises(ValueError, match="another run is at work"):
        Book(tmp_path)
    book.close()
    Book(tmp_path).close()


def test_a_write_that_stops_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    write(tmp_path / "a.png", b"old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        write(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "", "a//b", "c:x"])
def test_names_that_climb_out_are_refused(name):
    with pytest.raises(ValueError, match="can be file names"):
        Job(name, "m", PLACES)


def test_a_pictures_name_is_its_content(tmp_path):
    (tmp_path / "x.jpg").write_bytes(png(3))
    assert named(tmp_path / "x.jpg") == named(png(3))
    assert named(png(3))[0].endswith(".png")
    assert named(png(4))[0] != named(png(3))[0]
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    for bad, why in (
        (b"no picture", "the picture: it is no picture"),
        (tmp_path / "x.jpg", "x.jpg: "),
    ):
        with pytest.raises(ValueError, match=why):
            named(bad)


def test_a_folder_is_read_with_those_below_it(tmp_path):
    for name in ("b.png", "a.png", "a.jpg", "sub/a.png", "notes.txt"):
        write(tmp_path / name, b"")
    names = [one.name for one in pictures.read(tmp_path)]
    assert names == ["a.jpg", "a.png", "b", "sub/a"]
    assert pictures.count(tmp_path) == 4


def test_results_and_hidden_files_are_no_pictures_to_edit(tmp_path):
    for name in ("a.png", "out/edited/a.png", "._a.png", ".thumbnails/a.png", "outer/b.png"):
        write(tmp_path / name, b"")
    names = [one.name for one in pictures.read(tmp_path, tmp_path / "out")]
    assert names == ["a", "outer/b"]
    assert pictures.count(tmp_path, tmp_path / "out") == 2


@pytest.mark.parametrize("name", ["empty", "t.csv"])
def test_nothing_to_edit_is_an_error(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "t.csv").write_text("picture\n")
    with pytest.raises(ValueError, match=f"{name}: there is no picture in it"):
        pictures.count(tmp_path / name)


def test_a_table_that_is_no_text_is_told_by_its_name(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xff\xfep")
    with pytest.raises(ValueError, match="t.csv: expected a CSV in UTF-8"):
        list(pictures.read(tmp_path / "t.csv"))


def test_a_tables_values_go_before_those_for_all(tmp_path):
    write(tmp_path / "a.png", png(1))
    table = tmp_path / "t.csv"
    table.write_text("picture,name,instruction,seed\na.png,one,make it red,7\na.png,two,,\n")
    workflow = Places(
        {"1": {"class_type": "X", "inputs": {"image": "", "text": "", "seed": 0}}},
        {"picture": [("1", "image")], "instruction": [("1", "text")], "seed": [("1", "seed")]},
        "1",
    )
    filled = [job.prompt["1"]["inputs"] for job in jobs_of(table, workflow, {"instruction": "x"})]
    assert [(one["text"], one["seed"]) for one in filled] == [("make it red", 7), ("x", 0)]
    assert filled[0]["image"] == f"elect_batch/{named(png(1))[0]} [temp]"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("image\na.png\n", "expected columns of picture"),
        ("picture,colour\na.png,red\n", "'colour' is none"),
        ("picture,seed\na.png,red\n", "line 2: expected a whole number, got 'red'"),
        ("picture\na.png\na.png\n", "'a' stands there twice"),
        ("picture,name\n,x\n", "line 2: no picture"),
    ],
)
def test_a_bad_table_is_told_with_its_line(tmp_path, text, why):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=why):
        list(pictures.read(tmp_path / "t.csv"))
