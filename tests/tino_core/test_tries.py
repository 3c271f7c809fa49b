"""First noises elected by the loss; the guard; noisy copies."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.guard import Guard
from elect_tino.tino_core.smoothing import noisy_copies, noisy_draws
from elect_tino.tino_core.tries import elect_noise


def test_each_image_gets_its_own_best_and_ties_go_to_the_first():
    losses = torch.tensor([[3.0, 1.0, 2.0], [1.0, 1.0, 5.0], [2.0, 0.5, 1.0]])
    noises = torch.randn(3, 3, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    rows, told = iter(losses), []

    def values(batch):
        assert len(batch) == 1  # as long as no other number is asked for
        return next(rows)[None]

    found = elect_noise(values, noises, told.append)
    assert found.elected.tolist() == [1, 2, 2]
    assert told == [0, 1, 2]
    assert_close(found.losses, losses)
    for image, number in enumerate(found.elected):
        assert torch.equal(found.noise[image], noises[number, image])
    tie = elect_noise(lambda noises: torch.ones(1, 3), noises, told.append)
    assert tie.elected.tolist() == [0, 0, 0]


def test_a_stop_elects_among_those_that_were_tried():
    noises, rows = torch.zeros(3, 1, 4, 2, 2), iter(torch.tensor([[2.0], [1.0], [0.0]]))
    found = elect_noise(lambda noises: next(rows)[None], noises, lambda number: number == 1)
    assert found.elected.tolist() == [1]
    assert found.losses.tolist() == [[2.0], [1.0]]


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 8, 100])
def test_batches_change_neither_losses_nor_choice(at_once):
    noises = torch.randn(7, 2, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    sizes, told = [], []

    def values(batch):
        assert not torch.is_grad_enabled()  # a try is one pass, and holds nothing for another
        sizes.append(len(batch))
        return batch.sum((2, 3, 4))

    found = elect_noise(values, noises, told.append, at_once)
    assert_close(found.losses, noises.sum((2, 3, 4)))
    assert found.elected.tolist() == noises.sum((2, 3, 4)).argmin(0).tolist()
    assert sum(sizes) == 7
    assert max(sizes) == min(at_once, 7)
    assert told[-1] == 6


def test_a_batch_that_runs_out_of_memory_is_halved_and_a_single_one_raises():
    noises, sizes = torch.randn(9, 1, 4, 2, 2), []

    def values(limit):
        def run(batch):
            sizes.append(len(batch))
            if len(batch) > limit:
                raise MemoryError
            return batch.sum((2, 3, 4))

        return run

    halved: list[int] = []
    found = elect_noise(values(2), noises, print, 8, MemoryError, lambda: halved.append(1))
    assert sizes == [8, 4, 2, 2, 2, 2, 1]
    assert halved == [1, 1]
    assert_close(found.losses, noises.sum((2, 3, 4)))
    with pytest.raises(MemoryError):
        elect_noise(values(0), noises, print, 8, MemoryError)


def test_a_try_that_is_no_number_never_wins_and_none_at_all_is_an_error():
    noises = torch.zeros(2, 1, 4, 2, 2)
    rows = iter(torch.tensor([[torch.nan], [7.0]]))
    assert elect_noise(lambda noises: next(rows)[None], noises, print).elected.tolist() == [1]
    with pytest.raises(ValueError, match="loss: it is not a number for any of the tries"):
        elect_noise(lambda noises: torch.tensor([[torch.nan]]), noises, print)


def test_the_guard_names_the_images_and_the_term_that_speaks_for_no_edit():
    one = torch.tensor
    guard = Guard(
        {"semantic": one([2.0, 1.0, 0.5, 0.5]), "perceptual": one([0.5, 0.1, 0.0, 0.0])},
        {"semantic": one([2.2, 2.0, 0.25, 0.1]), "perceptual": one([0.9, 0.5, 0.25, 0.3])},
    )
    assert guard.prefers_no_edit.tolist() == [True, True, False, False]  # the third is a tie
    assert [guard.blamed(image) for image in range(2)] == ["perceptual", "semantic"]


def test_noisy_copies_are_the_same_in_every_iteration_and_for_every_picture():
    x0 = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    draws = noisy_draws(5, x0.shape, seed=7)
    assert torch.equal(draws, noisy_draws(5, x0.shape, seed=7))
    copies = noisy_copies(x0, draws, 0.5).unflatten(0, (5, 2))
    assert_close(copies[3, 1], x0[1] + 0.5 * draws[3, 0])
    assert_close((copies - x0)[:, 0], (copies - x0)[:, 1])
