"""What counts as an edit: composites, candidates that did nothing, the mask of the change."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.elect_core.relevance import change_weight
from elect_tino.elect_core.score import (
    background_inconsistency,
    composite,
    idle,
)

from .test_score import LEFT, NOTHING, flat


def test_composite_is_the_source_outside_and_at_a_quarter_what_most_made_of_the_inside():
    scores = composite(NOTHING, flat(4.0, 1.0, 6.0, 0.5, 8.0, 2.0), LEFT)
    assert_close(scores, torch.tensor([1 + 2 / 4, 0.5 + 0.0, 2 + 2 / 4]))


def test_composite_does_not_count_what_did_nothing_as_an_opinion():
    idle_too = composite(NOTHING, flat(4.0, 1.0, 6.0, 0.5, 8.0, 2.0, 0.1, 0.1, 0.0, 0.0), LEFT)
    assert_close(idle_too[:3], torch.tensor([1.5, 0.5, 2.5]))
    assert float(idle_too[4]) == pytest.approx(6 / 4)  # and so it is far from what was made


def test_composite_without_a_region_is_the_change_outside():
    estimates = flat(4.0, 1.0, 6.0, 0.5)
    empty = torch.zeros_like(LEFT)
    expected = background_inconsistency(NOTHING, estimates, empty)
    assert_close(composite(NOTHING, estimates, empty), expected)


def test_idle_is_a_small_change_that_is_no_larger_than_the_backgrounds():
    outside = torch.tensor([0.04, 0.04, 0.10, 0.10])
    inside = torch.tensor([0.05, 0.22, 1.00, torch.nan])
    assert idle(outside, inside).tolist() == [True, False, False, False]


def test_a_plain_edit_beside_an_overdone_one_is_not_idle():
    assert not idle(torch.tensor([0.05, 0.05, 2.0]), torch.tensor([1.0, 1.2, 8.0])).any()


def test_an_untouched_picture_is_idle():
    assert idle(torch.tensor([0.0, 0.1]), torch.tensor([0.0, 1.0])).tolist() == [True, False]


def test_change_mask_is_the_change_of_the_median_to_one():
    source, median = torch.zeros(1, 2, 1, 3), torch.tensor([[[[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]]])
    assert_close(change_weight(source, median), torch.tensor([[[[0.0, 0.5, 1.0]]]]))
    assert not change_weight(source, source).any()
