"""Saved workflows go on to mean what they meant: every node keeps its id, and what it had its
place (CHANGELOG.md, "What is stable")."""

import copy
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.author_contract import broken, contract_of, read

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = {"Node": {"inputs": ["a", "b"], "outputs": ["MASK"]}}


@pytest.mark.server
def test_every_node_keeps_what_it_promised(object_info: dict):
    assert broken(read(), contract_of(object_info)) == []


@pytest.mark.server
def test_every_node_of_this_version_is_promised(object_info: dict):
    """Else: python3 dev.py python -m elect_tino.harness.author_contract."""
    assert contract_of(object_info).keys() == read().keys()


@pytest.mark.parametrize(
    "change",
    [
        lambda now: now.pop("Node"),
        lambda now: now["Node"]["inputs"].remove("b"),
        lambda now: now["Node"]["inputs"].reverse(),
        lambda now: now["Node"]["inputs"].insert(1, "new"),
        lambda now: now["Node"]["outputs"].insert(0, "IMAGE"),
    ],
    ids=["gone", "an input less", "another order", "an input between", "an output before"],
)
def test_what_breaks_a_saved_workflow_is_told(change: "Callable[[dict], object]"):
    now = copy.deepcopy(KEPT)
    change(now)
    (told,) = broken(KEPT, now)
    assert told.startswith("Node")


def test_what_is_new_may_follow():
    now = {"Node": {"inputs": ["a", "b", "c"], "outputs": ["MASK", "IMAGE"]}, "Other": {}}
    assert broken(KEPT, now) == []
