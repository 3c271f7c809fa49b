"""A prompt tells how many candidates it makes, or nothing is said."""

import pytest

pytestmark = pytest.mark.comfy


def prompt(kind: str = "MultiSeedPartialSampler", **given: object) -> dict:
    sampler = {"class_type": kind, "inputs": {"num_candidates": 16, "seeds": "", **given}}
    return {"1": sampler, "2": {"class_type": "BISSelect", "inputs": {"candidates": ["1", 0]}}}


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (prompt(), 16),
        (prompt(seeds="3, 5\n7"), 3),
        (prompt(num_candidates=["9", 0]), None),
        (prompt(seeds=["9", 0]), None),
        (prompt(previous=["9", 0]), None),
        (prompt("LoadCandidates"), None),
        (None, None),
        ({}, None),
    ],
    ids=["number", "seeds", "number by wire", "seeds by wire", "joined", "loaded", "none", "empty"],
)
def test_only_what_the_widgets_say_is_foreseen(given: dict | None, number: int | None):
    from elect_tino.nodes.elect.foreseen import foreseen

    assert foreseen(given, "2") == number
