"""CLIP scores: by hand, and what no edit gets."""

import torch

from elect_tino.judging.clip_scores import clip_i, clip_t, directional


def test_by_hand():
    edited = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    torch.testing.assert_close(
        clip_t(edited, torch.tensor([[0.0, 2.0]])), torch.tensor([0.0, 0.8], dtype=torch.float64)
    )


def test_no_edit_is_most_like_the_source_and_has_no_direction():
    source = torch.tensor([[1.0, 2.0]])
    before, after = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert abs(float(clip_i(source, source)) - 1) < 1e-9
    assert float(directional(source, source, after, before)) == 0


def test_directional_is_1_along_the_captions_change_and_minus_1_against_it():
    source = torch.tensor([[1.0, 1.0]])
    before, after = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    along = directional(torch.tensor([[0.0, 1.0]]), source, after, before)
    against = directional(torch.tensor([[1.0, 0.0]]), source, after, before)
    assert float(along) > 0.9
    assert float(against) < -0.9
