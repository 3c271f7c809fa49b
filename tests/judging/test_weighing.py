"""Weighing: the ends of the weight are each score alone; unscored candidates are not punished."""

import math

import pytest

from elect_tino.judging.weighing import weighed

BIS = [0.1, 0.3, 0.2]
JUDGED = [0.0, 1.0, 0.5]


def order(values):
    return sorted(range(len(values)), key=values.__getitem__)


def test_weight_0_is_the_election_and_weight_1_the_judge():
    assert order(weighed(BIS, JUDGED, 0.0)) == [0, 2, 1]
    assert order(weighed(BIS, JUDGED, 1.0)) == [1, 2, 0]


def test_by_hand():
    assert weighed(BIS, JUDGED, 0.25) == pytest.approx([0.25, 0.75, 0.5])


def test_an_unscored_candidate_counts_as_the_median():
    assert weighed(BIS, [0.0, 1.0, math.nan], 1.0) == pytest.approx([1.0, 0.0, 0.5])
    assert weighed(BIS, [math.nan] * 3, 1.0) == BIS


def test_where_every_score_is_bad_they_all_stay_so():
    assert all(map(math.isnan, weighed([math.nan, math.nan], [0.0, 1.0], 0.5)))


def test_a_bad_candidate_stays_bad():
    assert math.isnan(weighed([0.1, math.nan], [0.0, 1.0], 0.5)[1])
