"""The page of pictures in a real browser: what it shows, and that it sorts."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from elect_tino.evaluation import page as written
from elect_tino.evaluation import world
from elect_tino.evaluation.results import Method, no_edit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
COLUMN = "<b>darker</b>: L1"


@pytest.fixture
def page(browser: "Browser", tmp_path: Path) -> "Page":
    """Three samples by two methods, whose names and words try to be markup."""
    one, two, three = world.read(3)
    samples = [replace(one, instruction="<script>alert(1)</script>", reference=one.target)]
    samples += [two, three]
    methods: Mapping[str, Method] = {
        "no edit": no_edit,
        "<b>darker</b>": lambda s: None if s.name == two.name else np.asarray(s.source // 2),
    }
    records = {
        (three.name, "<b>darker</b>"): {"L1": 0.5},
        (one.name, "<b>darker</b>"): {"L1": 0.25},
    }
    written.write(tmp_path / "page.html", samples, methods, records)
    shown = browser.new_page(viewport={"width": 1500, "height": 1000})
    shown.on("pageerror", lambda error: pytest.fail(str(error)))
    shown.on("dialog", lambda dialog: pytest.fail(dialog.message))
    shown.goto((tmp_path / "page.html").as_uri())
    return shown


def names(page: "Page") -> list[str]:
    return page.locator("tbody tr td:first-child b").all_inner_texts()


def test_every_picture_is_shown_and_what_is_missing_is_a_dash(page: "Page"):
    heads = page.locator("th").all_inner_texts()
    assert heads == ["sample", "source", "target", "no edit", "<b>darker</b>"]
    assert "<script>alert(1)</script>" in page.locator("tbody tr").first.inner_text()
    loaded = "imgs => imgs.map(one => one.complete && one.naturalWidth)"
    widths = page.locator("img").evaluate_all(loaded)
    assert widths == [128] * (3 * 4 - 1 + 1)  # no picture of one method; a reference beside
    assert page.locator("tbody tr").nth(1).locator("td").last.inner_text() == "-"


def test_it_sorts_by_a_methods_column_and_what_has_no_number_comes_last(page: "Page"):
    at_first = names(page)
    page.select_option("#by", COLUMN)
    assert names(page) == [at_first[0], at_first[2], at_first[1]]
    page.check("#down")
    assert names(page) == [at_first[2], at_first[0], at_first[1]]
    page.select_option("#by", "")
    assert names(page) == at_first[::-1]
    page.uncheck("#down")
    assert names(page) == at_first
