"""TiNO-Edit's losses against hand-computed cases, and their gradients."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.testing import assert_close

from elect_tino.tino_core import (
    LossWeights,
    perceptual_loss,
    reference_loss,
    semantic_loss,
    total_loss,
)
from elect_tino.tino_core.losses import TEXT_LOSSES, Total, directional_loss, towards_loss

RIGHT = torch.tensor([[1.0, 0.0]])
UP = torch.tensor([[0.0, 3.0]])
BETWEEN = torch.tensor([[2.0, 2.0]])


def test_semantic_loss_compares_how_far_picture_and_text_moved():
    # The picture moved by 45 degrees, the text by 90: cos 0.7071 against cos 0.
    assert_close(semantic_loss(RIGHT, BETWEEN, RIGHT, UP), torch.tensor([0.5**0.5]))
    assert_close(semantic_loss(RIGHT, UP, RIGHT, BETWEEN), torch.tensor([0.5**0.5]))
    assert_close(semantic_loss(RIGHT, UP, RIGHT, BETWEEN, signed=True), torch.tensor([-(0.5**0.5)]))
    assert_close(semantic_loss(RIGHT, UP, UP, RIGHT), torch.zeros(1))


def test_losses_towards_the_target_know_the_way():
    """A picture between both texts, one at the target, one as far away on the other side."""
    for loss in (towards_loss, directional_loss):
        away = loss(RIGHT, -UP, RIGHT, UP)
        there, between = loss(RIGHT, UP, RIGHT, UP), loss(RIGHT, BETWEEN, RIGHT, UP)
        assert float(there) < float(between) < float(away)
    assert_close(towards_loss(RIGHT, UP, RIGHT, UP), torch.tensor([-1.0]))
    assert_close(towards_loss(RIGHT, RIGHT, RIGHT, UP), torch.tensor([2.0]))
    assert_close(directional_loss(RIGHT, UP, RIGHT, UP), torch.zeros(1))
    assert_close(directional_loss(RIGHT, -UP, RIGHT, UP), torch.ones(1))
    # Eq. 4 tells neither from the other: it has no direction.
    assert_close(semantic_loss(RIGHT, -UP, RIGHT, UP), semantic_loss(RIGHT, UP, RIGHT, UP))


def test_reference_loss_falls_with_likeness():
    assert_close(reference_loss(RIGHT, 5 * RIGHT), torch.zeros(1))
    assert_close(reference_loss(RIGHT, UP), torch.ones(1))
    assert_close(reference_loss(RIGHT, -RIGHT), torch.full((1,), 2.0))


def test_perceptual_loss_is_the_mean_absolute_difference_of_each_image():
    a, b = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[3.0, 2.0], [0.0, 0.0]])
    assert_close(perceptual_loss(a, b), torch.tensor([1.0, 0.0]))


def test_total_is_the_weighted_sum_of_the_terms_present():
    terms = {"semantic": torch.tensor([1.0, 2.0]), "perceptual": torch.tensor([10.0, 20.0])}
    assert_close(total_loss(terms, LossWeights()), torch.tensor([6.0, 12.0]))
    assert_close(total_loss(terms, LossWeights(perceptual=0)), terms["semantic"])
    total = Total(lambda x0: {name: x0.sum() * term for name, term in terms.items()})
    assert_close(total(torch.ones(2)), torch.tensor([22.0, 44.0]))


def test_weights_that_leave_nothing_are_an_error():
    with pytest.raises(ValueError, match=r"loss weights: .*semantic_weight"):
        total_loss({"semantic": torch.ones(1)}, LossWeights(semantic=0))


@pytest.mark.parametrize("signed", [False, True])
def test_gradients_are_right(signed):
    generator = torch.Generator().manual_seed(0)
    a, b, c, d = (
        torch.randn(3, 5, dtype=torch.float64, generator=generator, requires_grad=True)
        for _ in range(4)
    )
    assert gradcheck(lambda *x: semantic_loss(*x, signed=signed), (a, b, c, d))
    assert gradcheck(reference_loss, (a, b))
    assert gradcheck(towards_loss, (a, b, c, d))
    assert gradcheck(directional_loss, (a, b, c, d))
    assert gradcheck(perceptual_loss, (a, b))
    assert gradcheck(
        lambda x, y: total_loss({"reference": reference_loss(x, y)}, LossWeights(reference=2)),
        (a, b),
    )


@pytest.mark.parametrize("name", TEXT_LOSSES)
def test_each_image_has_the_loss_it_has_alone_and_each_noisy_copy_too(name):
    """Results (S, B, D) of S copies: the last axis is what is compared, whatever their number."""
    generator = torch.Generator().manual_seed(3)
    source, source_text, target_text = torch.randn(3, 4, 5, generator=generator)
    results = torch.randn(2, 4, 5, generator=generator)
    found = TEXT_LOSSES[name](source, results, source_text, target_text)
    assert found.shape == (2, 4)
    for copy in range(2):
        for image in range(4):
            row = slice(image, image + 1)
            alone = TEXT_LOSSES[name](
                source[row], results[copy, row], source_text[row], target_text[row]
            )
            assert_close(found[copy, image], alone[0])


def test_perceptual_loss_is_one_number_an_image_however_many_there_are():
    source, result = torch.zeros(3, 5), torch.arange(15.0).reshape(3, 5)
    assert_close(perceptual_loss(source, result), torch.tensor([2.0, 7.0, 12.0]))


def test_the_papers_weights_are_the_default():
    weights = LossWeights()
    assert (weights.semantic, weights.perceptual, weights.reference) == (1.0, 0.5, 1.0)
