"""What the recipes cost, counted and reckoned."""

import re
from pathlib import Path

import pytest
import torch
from torch.nn import Conv2d
from torch.nn import functional as F

from elect_tino.tino_core.training import cost

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_flops_of_a_convolution_are_those_written_out():
    conv = Conv2d(3, 8, 3, padding=1)
    assert cost.flops(lambda: conv(torch.zeros(1, 3, 10, 12))) == 2 * 9 * 3 * 8 * 120
    assert cost.flops(lambda: F.linear(torch.zeros(5, 7), torch.zeros(11, 7))) == 2 * 5 * 7 * 11


def test_hours_are_flops_over_what_the_gpu_is_assumed_to_reach():
    assert cost.hours(1e12, 3600, 1.0) == pytest.approx(1 / cost.SHARE)


def test_the_page_has_the_hours_that_are_reckoned():
    page = (DOCS / "latent_models.md").read_text(encoding="utf-8")
    (clip_row,) = (line for line in page.splitlines() if line.startswith("| SDXL | LatentCLIP |"))
    told = [float(number) for number in re.findall(r"[\d.]+", clip_row)]
    each = cost.encoder_flops(cost.RECIPES["SDXL"]) + cost.student_flops("clip", 4)
    expected = [each / 1e9, *(cost.hours(each, 1_600_000, peak) for peak in cost.GPUS.values())]
    assert told == pytest.approx(expected, abs=0.51)


def test_every_recipe_has_its_rows_and_its_command():
    page = (DOCS / "latent_models.md").read_text(encoding="utf-8")
    for title, recipe in cost.RECIPES.items():
        assert page.count(f"| {title} | Latent") == 2
        assert f"`{recipe.latent_space}`" in page
