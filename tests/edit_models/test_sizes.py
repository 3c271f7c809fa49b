"""Sizes: what each model takes, near the picture's own shape, and stable once reached."""

import math

import pytest

from elect_tino.edit_models.families import FAMILIES
from elect_tino.edit_models.sizes import MEGAPIXEL, SIZE_RULES, SizeRule, edit_size, with_area

PICTURES = [
    (1024, 1024),
    (3000, 4000),
    (4000, 3000),
    (600, 900),
    (1080, 1920),
    (97, 61),
    (450, 800),
]


def test_every_family_has_a_rule():
    assert set(SIZE_RULES) == set(FAMILIES)


@pytest.mark.parametrize("family", SIZE_RULES)
@pytest.mark.parametrize("picture", PICTURES)
def test_sizes_are_whole_multiples_of_about_the_area(family, picture):
    rule = SIZE_RULES[family]
    size = edit_size(*picture, rule)
    assert all(side % rule.multiple == 0 for side in size)
    assert math.prod(size) == pytest.approx(rule.area, rel=0.15)


@pytest.mark.parametrize("family", SIZE_RULES)
@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_that_fits_keeps_its_size(family, picture):
    rule = SIZE_RULES[family]
    size = edit_size(*picture, rule)
    assert edit_size(*size, rule) == size


# Two of the sizes of the others may be equally near in width / height.
@pytest.mark.parametrize(
    "family", sorted(SIZE_RULES.keys() - {"joyai_image_edit", "boogu_image_edit"})
)
def test_a_turned_picture_gets_the_turned_size(family):
    height, width = edit_size(3000, 4000, SIZE_RULES[family])
    assert edit_size(4000, 3000, SIZE_RULES[family]) == (width, height)


def test_free_sizes_have_the_pictures_shape_up_to_rounding():
    for height, width in PICTURES:
        h, w = edit_size(height, width, SizeRule(16, MEGAPIXEL))
        assert abs(math.sqrt(MEGAPIXEL * height / width) - h) <= 8
        assert abs(math.sqrt(MEGAPIXEL * width / height) - w) <= 8


def test_known_sizes():
    assert edit_size(3000, 4000, SIZE_RULES["flux_kontext"]) == (880, 1184)
    assert edit_size(3000, 4000, SIZE_RULES["qwen_image_edit"]) == (880, 1184)
    assert edit_size(3000, 4000, SIZE_RULES["omnigen2"]) == (880, 1184)  # 886.8 by 1182.4
    assert edit_size(3000, 4000, SIZE_RULES["qwen_image_21"]) == (896, 1184)
    assert edit_size(3000, 4000, SIZE_RULES["instruct_pix2pix"]) == (448, 576)
    assert edit_size(3000, 4000, SIZE_RULES["embedded"]) == (128, 128)
    hidream_e1_full = with_area(SIZE_RULES["hidream_e1"], 768 * 768)
    assert edit_size(500, 500, hidream_e1_full) == (768, 768)


@pytest.mark.parametrize("family", ["joyai_image_edit", "boogu_image_edit"])
def test_listed_sizes_are_upright_and_lying(family):
    sizes = SIZE_RULES[family].sizes
    assert {(width, height) for height, width in sizes} == set(sizes)
    assert len(sizes) > 40


def test_qwens_sizes_are_close_enough_together_for_common_shapes():
    sizes = SIZE_RULES["qwen_image_edit"].sizes
    assert len(sizes) == 43
    for width, height in [(1, 1), (5, 4), (4, 3), (3, 2), (16, 10), (16, 9), (2, 1)]:
        h, w = edit_size(height * 100, width * 100, SIZE_RULES["qwen_image_edit"])
        assert w / h == pytest.approx(width / height, rel=0.065)


def test_long_pictures_are_cut_and_very_long_ones_refused():
    assert edit_size(100, 600, SIZE_RULES["omnigen2"]) == (512, 2048)
    for family in ("omnigen2", "flux_kontext", "embedded"):
        with pytest.raises(ValueError, match=r"image: .* without losing more than half .* 900x100"):
            edit_size(100, 900, SIZE_RULES[family])
