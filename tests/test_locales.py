"""Nodes and gallery in every language of ComfyUI's frontend: none missing, none left over."""

import json
import re

import pytest

from elect_tino.harness.author_locales import ENGLISH as LOCALE_OF_ENGLISH
from elect_tino.harness.author_locales import read, texts
from elect_tino.harness.server.comfy_server import PACK_ROOT

LANGUAGES = ("zh", "zh-TW", "ja", "ko", "fr", "de", "es", "ru", "pt-BR")
ENGLISH = dict(
    re.findall(
        r'^  "(\w+)": "(.*)"',
        (PACK_ROOT / "web" / "gallery" / "english.js").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)


def words(language: str) -> dict[str, str]:
    path = PACK_ROOT / "locales" / language / "main.json"
    return json.loads(path.read_text(encoding="utf-8"))["elect"]


def test_there_are_words_and_no_other_languages():
    assert len(ENGLISH) > 50
    folders = (PACK_ROOT / "locales").iterdir()
    assert sorted(folder.name for folder in folders) == sorted((*LANGUAGES, LOCALE_OF_ENGLISH))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_translated_and_keeps_what_is_put_in(language: str):
    translated = words(language)
    assert list(translated) == list(ENGLISH)
    for key, text in translated.items():
        assert text.strip(), key
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", ENGLISH[key])), key
    same = [key for key, text in translated.items() if text == ENGLISH[key]]
    assert len(same) < 8, same  # a word may be the same: "Details", "Automatic"


def shape(definitions: dict) -> dict:
    """Its keys alone, all the way down."""
    return {k: shape(v) if isinstance(v, dict) else None for k, v in definitions.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_every_node_is_translated(language: str):
    source, definitions = read(LOCALE_OF_ENGLISH), read(language)
    assert shape(definitions) == shape(source)
    pairs = list(zip(texts(source), texts(definitions), strict=True))
    assert all(text.strip() for _, text in pairs)
    told = [(old, new) for old, new in pairs if len(old) > 30]
    same = {old for old, new in told if new == old and "http://" not in old}
    assert not same
    for old, new in told:
        kept = set(re.findall(r"[A-Z]+[a-z]+[A-Z]\w+", old))  # node ids and the like
        assert all(one in new for one in kept), (old, new)
