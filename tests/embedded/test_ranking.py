"""The ranking table: a critic that knows the truth gets 100 %, one that takes any other 0 %."""

import pytest
import torch
from torch import Tensor

from elect_tino.embedded.model.observers import load_teacher_text
from elect_tino.embedded.report.ranking import KINDS, beaten, edits_of, ranking
from elect_tino.embedded.world.rivals import SORTS

pytestmark = pytest.mark.comfy


def test_edits_are_of_the_kind_and_the_first():
    from elect_tino.bench.tino.tasks import tasks

    for kind in KINDS:
        ours = [edit.caption for edit in edits_of(kind, "val", 3)]
        assert ours == [one.edit.caption for one in tasks(kind, range(3), "val")]


@pytest.mark.parametrize("knows", [True, False])
def test_shares_are_of_wrong_pictures_behind_the_truth(knows: bool):
    edit = next(edits_of("recolour", "val", 1))
    say = load_teacher_text()
    texts = say([edit.source_caption, edit.caption])
    truth = torch.from_numpy(edit.target).movedim(-1, 0)

    def critic(pictures: Tensor) -> Tensor:
        right = [bool((one - truth).abs().max() < 1e-6) == knows for one in pictures]
        return torch.stack([texts[int(one)] for one in right])

    found = beaten(edit, {"critic": critic}, say)["critic"]
    assert set(found) <= set(SORTS)
    assert {"source", "colour", "shape"} <= set(found)
    assert set(found.values()) == {float(knows)}


def test_a_row_for_every_kind_and_a_critic_without_eyes_beats_nothing():
    rows = ranking({"blind": lambda pictures: torch.ones(len(pictures), 64)}, "val", 1)
    assert [row[:2] for row in rows] == [["blind", kind] for kind in KINDS]
    assert {cell for row in rows for cell in row[2:] if cell} == {"0.0"}
