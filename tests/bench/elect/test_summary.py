"""The readers' page: every choice with its calls, for every model, filled into the words."""

import argparse
import re

import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    from elect_tino.bench import __main__ as command
    from elect_tino.bench.elect import summary

    folder = tmp_path_factory.mktemp("summary")
    options = argparse.Namespace(
        of=["flow_mild"], steps=5, seeds=4, edits=2, split="val", folder=folder / "tapes"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summary, "DOCS", folder)
        (folder / "images").mkdir()
        return command.summary(options).read_text()


def test_every_choice_stands_with_its_calls_and_one_column_a_model(page):
    rows = dict(re.findall(r"^\| (.+?) \| (\d+) \| [\d.]+ \[[\d., -]+\] \|$", page, re.M))
    assert rows["one seed"] == "5"
    assert rows["ELECT of 4, stop 40 %, the paper's"] == str(4 * 2 + 3)
    assert rows["Best-of-4 by BIS, guard 0.8"] == "20"
    assert rows["race *halving* of 4"] == str(4 * 2 + 2 * 2 + 1)
    assert rows["no edit: the source"] == "0"


def test_the_race_is_set_against_the_papers_best_of_all(page):
    table = page[page.index("The race beside the paper's Best-of-4") :]
    (found,) = re.findall(r"^\| \*flow_mild\* \| 13 of 20 \| (.+?) \| (.+?) \|$", table, re.M)
    means = dict(re.findall(r"^\| (.+?) \| \d+ \| ([\d.]+) \[", page, re.M))
    lost = float(means["race *halving* of 4"]) - float(means["Best-of-4 by BIS, the paper's"])
    assert float(found[0].split(" [")[0]) == pytest.approx(lost, abs=0.11)


def test_every_mask_has_its_overlap_with_the_true_one(page):
    found = dict(re.findall(r"^\| (\w+) \| ([\d.]+) \|$", page, re.M))
    assert set(found) == {"paper", "published", "change", "both", "tokens"}
    assert all(0 <= float(value) <= 1 for value in found.values())


def test_no_place_of_the_words_is_left_unfilled(page):
    assert "{" not in page
    assert "4 seeds each" in page
