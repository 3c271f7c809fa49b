"""What may change, by words, by pictures, with soft edges."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.masks import (
    changed_words,
    check_mask,
    difference_mask,
    relevance_mask,
    soften,
    text_difference,
    whole_mask,
)


def test_words_of_the_source_that_the_target_lacks_name_the_object():
    assert changed_words("A photo of a cat, on grass", "a photo of a dog on grass") == ["cat"]
    assert changed_words("two red cats and red dogs", "two hens") == ["red", "cats", "and", "dogs"]


def test_no_changed_word_is_an_error():
    with pytest.raises(ValueError, match="source_prompt: every word of it is in target_prompt"):
        changed_words("a cat", "A cat with a hat")


def test_style_covers_everything():
    assert_close(whole_mask(torch.rand(2, 3, 4, 5)), torch.ones(2, 1, 4, 5))


def test_difference_marks_pixels_where_any_channel_differs():
    image = torch.full((1, 3, 4, 4), 0.5)
    changed = image.clone()
    changed[0, 1, 2, 3] = 0.6
    expected = torch.zeros(1, 1, 4, 4)
    expected[0, 0, 2, 3] = 1
    assert_close(difference_mask(image, changed), expected)
    with pytest.raises(ValueError, match="second image .*empty"):
        difference_mask(image, changed, threshold=0.2)
    with pytest.raises(ValueError, match=r"the size of the first, \(4, 4\), got \(4, 2\)"):
        difference_mask(image, changed[..., :2])


def test_soft_edges_keep_the_area_and_fade_both_ways():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    soft = soften(mask, 2)
    assert_close(soft.mean(), mask.mean())
    assert soft[0, 0, 16, 16] == 1
    assert soft[0, 0, 0, 0] == 0
    assert 0 < soft[0, 0, 16, 6] < soft[0, 0, 16, 9] < 1
    wide = soften(mask, 3)
    assert_close(wide.mean(), mask.mean())
    row = wide[0, 0, 16]
    assert (row > 0).nonzero().flatten().tolist() == list(range(2, 30))  # twice 3 on either side
    assert (row == 1).nonzero().flatten().tolist() == list(range(14, 18))
    assert soften(mask, 0) is mask
    with pytest.raises(ValueError, match="soft_edge"):
        soften(mask, -1)


def test_empty_and_out_of_range_masks_are_named():
    with pytest.raises(ValueError, match="mask: it is empty"):
        check_mask(torch.zeros(1, 1, 2, 2))
    with pytest.raises(ValueError, match="mask: expected values from 0 to 1"):
        check_mask(torch.full((1, 1, 2, 2), 2.0))


def test_texts_differ_by_the_mean_over_channels():
    wanted, now = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    wanted[0, :, 0, 0], now[0, 1, 0, 1] = torch.tensor([3.0, -1.0]), 4.0
    assert text_difference(wanted.half(), now.half()).tolist() == [[[[2.0, 2.0]]]]


def test_what_is_relevant_reaches_a_share_of_the_strongest_of_its_own_picture():
    relevance = torch.zeros(2, 1, 20, 20)
    relevance[0, :, 5:15, 5:15], relevance[1, :, 5:15, 5:15] = 1.0, 0.01
    relevance[0, 0, 0, 0] = 50.0  # a single cell does not set the scale
    mask = relevance_mask(relevance, (160, 160), 0.4)
    inside = torch.zeros(160, 160)
    inside[48:112, 48:112] = 1
    assert mask.shape == (2, 1, 160, 160)
    assert (mask[:, 0] * inside).sum((1, 2)).tolist() == [64.0 * 64] * 2
    assert not mask[:, :, 20:30, 20:30].any()
    assert relevance_mask(relevance, (160, 160), 0.9).sum() < mask.sum()


def test_texts_that_the_model_answers_alike_make_no_mask():
    with pytest.raises(ValueError, match="target_prompt: the MODEL answers it as it does"):
        relevance_mask(torch.zeros(1, 1, 8, 8), (64, 64), 0.5)
