"""Columns by models, small ones with random weights, against independent computations."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from elect_tino.evaluation import world
from elect_tino.evaluation.columns import MADE, of_weights

from . import references


@pytest.fixture(scope="module")
def sample():
    return next(iter(world.read(1)))


@pytest.fixture(scope="module")
def result(sample):
    return np.clip(sample.source.astype(int) + 25, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def columns(weights):
    return of_weights(weights)[0]


def test_what_is_absent_is_said_and_left_out(tmp_path):
    columns, said = of_weights(tmp_path)
    assert columns == {}
    assert len(said) == len(MADE)
    assert any("LPIPS: left out, no squeezenet" in line for line in said)
    assert of_weights(None)[1] == said


def test_a_library_that_is_not_installed_is_said(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.functional.image.lpips", None)
    columns, said = of_weights(weights)
    assert said == ["LPIPS: left out, torchmetrics.functional.image.lpips is not installed"]
    assert "LPIPS x10^3" not in columns


def test_clip_agrees_with_the_models_own_scores(sample, result, weights, columns):
    shown = sample.target_caption, result, sample.target
    pictures, words = references.clip_vectors(weights / "clip-vit-base-patch32", *shown)
    similar = references.cosine(pictures[:1], words)
    assert columns["CLIP-T"](sample, result) == pytest.approx(similar, abs=1e-5)
    expected = references.cosine(pictures[0], pictures[1])
    assert columns["CLIP-I"](sample, result) == pytest.approx(expected, abs=1e-5)
    pictures, words = references.clip_vectors(weights / "clip-vit-large-patch14", *shown)
    similar = references.cosine(pictures[:1], words)
    assert columns["CLIP whole"](sample, result) == pytest.approx(100 * max(similar, 0), abs=1e-3)


def test_the_edited_part_is_seen_black_outside_the_mask(sample, result, columns):
    black = result * sample.mask[..., None]
    seen = columns["CLIP edited"](sample, result)
    assert seen == columns["CLIP whole"](sample, black)


def test_structure_distance_agrees_with_keys_computed_by_hand(sample, result, weights, columns):
    expected = references.structure(weights / "dino-vitb8", sample.source, result)
    found = columns["structure x10^3"](sample, result)
    assert found == pytest.approx(expected, rel=1e-3)
    assert columns["structure x10^3"](sample, sample.source) == 0


def test_dino_of_the_target_itself_is_one(sample, result, columns):
    assert columns["DINO"](sample, sample.target) == pytest.approx(1, abs=1e-5)
    assert columns["DINO"](sample, result) < 1


def test_tino_edits_columns_compare_with_the_source_and_with_the_reference(sample, result, columns):
    swapped = replace(sample, source=sample.target, reference=sample.target)
    for name, own in (("CLIP-I source", "CLIP-I"), ("DINO source", "DINO")):
        assert columns[name](swapped, result) == columns[own](sample, result)
        assert columns[name](sample, sample.source) == pytest.approx(1, abs=1e-5)
    assert columns["CLIP-I reference"](swapped, result) == columns["CLIP-I"](sample, result)


def test_lpips_agrees_with_layers_run_by_hand_and_is_nothing_where_nothing_changed(
    sample, result, weights, columns
):
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    lpips = columns["LPIPS x10^3"]
    assert lpips(sample, sample.source) == 0
    expected = references.lpips(weights / LPIPS, sample.source, result, sample.mask)
    assert lpips(sample, result) == pytest.approx(expected, rel=1e-3)


LPIPS = "squeezenet1_1-b8a52dc0.pth"


def test_without_caption_target_or_mask_there_is_no_number(sample, result, columns):
    bare = replace(sample, target=None, target_caption="", mask=None)
    for name in ("CLIP whole", "CLIP edited", "CLIP-I", "CLIP-T", "CLIP-I reference", "DINO"):
        assert math.isnan(columns[name](bare, result))
