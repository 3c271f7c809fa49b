"""A new or changed English text is asked for; every other keeps its translation."""

import pytest

from elect_tino.harness import author_locales


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(author_locales, "FOLDER", tmp_path)
    author_locales.write("en", {"A": {"name": "seed", "tip": "Old tip"}, "C": {"name": "mask"}})
    author_locales.write("de", {"A": {"name": "Saat", "tip": "Alter Tipp"}, "C": {"name": "Maske"}})
    return tmp_path


def test_what_stays_keeps_its_translation_and_what_is_new_is_left_empty(folder):
    new = {"A": {"name": "seed", "tip": "New tip"}, "B": {"name": "mask"}, "C": {"name": "mask"}}
    author_locales.write_english(new)
    assert author_locales.read("en") == new
    assert author_locales.read("de") == {
        "A": {"name": "Saat", "tip": ""},
        "B": {"name": "Maske"},
        "C": {"name": "Maske"},
    }


def test_one_text_said_in_two_ways_stays_so_where_it_stands(folder):
    author_locales.write("en", {"A": {"name": "mask"}, "C": {"name": "mask"}})
    author_locales.write("de", {"A": {"name": "Maskierung"}, "C": {"name": "Maske"}})
    author_locales.write_english({"A": {"name": "mask"}, "C": {"name": "mask", "tip": "New tip"}})
    said = {"A": {"name": "Maskierung"}, "C": {"name": "Maske", "tip": ""}}
    assert author_locales.read("de") == said


def test_only_what_is_empty_is_asked_for_and_taken(folder, monkeypatch):
    author_locales.write("fr", {"A": {"name": "graine", "tip": ""}, "C": {"name": "masque"}})
    new = {"A": {"name": "seed", "tip": "New tip"}, "B": {"tip": "Other tip"}}
    assert author_locales.write_english(new) == {
        "de": {"New tip": "Alter Tipp", "Other tip": ""},
        "fr": {"New tip": "", "Other tip": ""},
    }
    file = folder / "taken.json"
    file.write_text('{"de": {"New tip": "Neuer Tipp", "Other tip": "Rat"}}', encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["author_locales", "--take", str(file)])
    author_locales.main()
    said = {"A": {"name": "Saat", "tip": "Neuer Tipp"}, "B": {"tip": "Rat"}}
    assert author_locales.read("de") == said
    assert author_locales.read("fr") == {"A": {"name": "graine", "tip": ""}, "B": {"tip": ""}}
