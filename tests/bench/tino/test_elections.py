"""The expected best of N seeds, against all draws written out."""

from itertools import combinations

import numpy as np
import pytest

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_the_mean_over_all_draws(number):
    from elect_tino.bench.tino.elections import chances, elected

    rng = np.random.default_rng(0)
    losses, worth = rng.random((6, 3)), rng.random((6, 3, 2))
    losses[2, 0] = losses[4, 0]  # a tie goes to the lower number
    draws = [list(draw) for draw in combinations(range(6), number)]
    naive = np.zeros((3, 2))
    for draw in draws:
        best = losses[draw].argmin(0)
        for image in range(3):
            naive[image] += worth[draw[best[image]], image]
    assert np.allclose(elected(worth, losses, number), naive / len(draws))
    assert np.allclose(chances(losses, number).sum(0), 1)


def test_rivals_are_what_their_names_say():
    from elect_tino.bench.tino.tasks import task
    from elect_tino.embedded.world.rivals import SORTS, wrong_pictures

    for kind in ("recolour", "replace"):
        one = task(kind, 0)
        found = wrong_pictures(one.edit)
        assert list(found) == list(SORTS)
        assert (len(found["colour"]), len(found["shape"])) == (7, 3)
        assert np.array_equal(found["source"][0], one.edit.source)
        for pictures in found.values():
            assert all(np.abs(picture - one.edit.target).max() > 0.02 for picture in pictures)
