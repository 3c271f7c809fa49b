"""Scores of a picture: what they are, and that their gradients are right."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.scores import SCORES


def painted(*colour: float):
    return torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 4, 4)


def test_scores_of_plain_colours_by_hand():
    red, grey = painted(1.0, 0.0, 0.2), painted(0.5, 0.5, 0.5)
    assert_close(SCORES["saturation"](torch.cat([red, grey])), torch.tensor([1.0, 0.0]))
    assert_close(SCORES["warmth"](torch.cat([red, grey])), torch.tensor([0.8, 0.0]))
    luma = torch.tensor([0.299 + 0.2 * 0.114, 0.5])
    assert_close(SCORES["brightness"](torch.cat([red, grey])), luma)
    halves = torch.cat([painted(0.0, 0.0, 0.0), painted(1.0, 1.0, 1.0)], 3)
    assert_close(SCORES["contrast"](halves), torch.tensor([0.5]))
    assert float(SCORES["contrast"](grey)) < 1e-5


@pytest.mark.parametrize("name", list(SCORES))
def test_gradients_are_those_of_differences_and_pictures_do_not_touch(name):
    generator = torch.Generator().manual_seed(3)
    picture = torch.rand(2, 3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SCORES[name], (picture,))
    alone = SCORES[name](picture[1:])
    assert_close(SCORES[name](picture)[1:], alone)
