"""What an election is made from again, and what is taken up."""

import gc

import pytest
import torch

from elect_tino.elect_core.selection import rank

pytestmark = pytest.mark.comfy


class Thing:
    """Stands for a tape or a guider: it has an identity and can die."""


@pytest.fixture
def kept():
    from elect_tino.nodes.elect.kept import Kept

    return Kept(most=2)


def test_the_same_objects_and_equal_settings_are_the_same_result(kept):
    thing, latent = Thing(), {"samples": torch.zeros(1)}
    kept.keep((thing, latent, None), (1, "a"), "result")
    assert kept.find((thing, dict(latent), None), (1, "a")) == "result"
    assert kept.find((thing, latent, None), (2, "a")) is None
    assert kept.find((thing, {"samples": torch.zeros(1)}, None), (1, "a")) is None
    assert kept.find((Thing(), latent, None), (1, "a")) is None


def test_it_is_made_once_for_the_same_objects_and_settings(kept):
    thing, made = Thing(), []
    for settings in (1, 1, 2):
        assert kept.get((thing,), settings, lambda: made.append(1) or len(made)) == len(made)
    assert len(made) == 2


def test_a_result_goes_with_what_it_was_made_from(kept):
    thing = Thing()
    kept.keep((thing,), None, "result")
    assert len(kept._entries) == 1
    del thing
    gc.collect()
    assert kept._entries == []


def test_only_the_last_ones_are_kept(kept):
    things = [Thing() for _ in range(3)]
    for number, thing in enumerate(things):
        kept.keep((thing,), None, number)
    assert [kept.find((thing,)) for thing in things] == [None, 1, 2]


@pytest.mark.parametrize(
    ("pick", "pick_seeds", "indices", "gone"),
    [
        (0, "", (2,), ()),
        (1, "", (0,), ()),
        (1, "12, 11", (2, 1), ()),
        (0, "11 99 10", (1, 0), ("99",)),
        (1, "99", (2,), ("99",)),
    ],
    ids=["automatic", "number", "seeds before the number", "some gone", "all gone"],
)
def test_choice(pick, pick_seeds, indices, gone):
    from elect_tino.nodes.elect.choice import choose

    ranking = rank(torch.tensor([0.3, 0.2, 0.1]))
    choice = choose(ranking, (10, 11, 12), pick, pick_seeds)
    assert (choice.indices, choice.gone) == (indices, gone)


def test_a_choice_that_is_no_seed_names_the_input():
    from elect_tino.nodes.elect.choice import choose

    with pytest.raises(ValueError, match="pick_seeds: expected seeds, .* got 'best'"):
        choose(rank(torch.tensor([0.3])), (10,), pick_seeds="best")


def test_all_chosen_go_on_before_the_best_others():
    from elect_tino.nodes.elect.choice import choose

    ranking = rank(torch.tensor([0.3, 0.2, 0.1]))
    choice = choose(ranking, (10, 11, 12), pick_seeds="10, 11")
    assert choice.order(ranking, 1) == [0, 1]
    assert choice.order(ranking, 3) == [0, 1, 2]
