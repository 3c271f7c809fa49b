"""The tasks of TiNO-Edit's benchmark have the truth they claim."""

import numpy as np
import pytest

from elect_tino.embedded.world.objects import coverage

pytestmark = pytest.mark.comfy
ALL = ("recolour", "replace", "reference", "strokes", "composition")


@pytest.fixture(scope="module")
def made():
    from elect_tino.bench.tino.tasks import tasks

    return {kind: tasks(kind, range(4)) for kind in ALL}


@pytest.mark.parametrize("kind", ALL)
def test_the_truth_succeeds_and_the_source_does_not(made, kind):
    from elect_tino.embedded.world.success import Judge

    for task in made[kind]:
        judge = Judge(task.edit)
        assert judge.succeeded(task.edit.target)
        assert not judge.succeeded(task.edit.source)


@pytest.mark.parametrize("kind", ["strokes", "composition"])
def test_masks_of_drawn_on_pictures_are_where_they_differ(made, kind):
    for task in made[kind]:
        differ = (task.edit.source != task.start).any(-1)
        np.testing.assert_array_equal(task.mask, differ.astype(np.float32))
        np.testing.assert_array_equal(task.start, task.shown)


@pytest.mark.parametrize("kind", ALL)
def test_the_edit_fits_into_the_mask(made, kind):
    for task in made[kind]:
        changed = np.abs(task.edit.source - task.edit.target).max(-1) > 0.02
        assert not (changed & (task.mask == 0)).any()


@pytest.mark.parametrize("kind", ["strokes", "composition"])
def test_masks_leave_the_other_objects_alone(made, kind):
    for task in made[kind]:
        for item in task.edit.scene.objects:
            if item != task.edit.edit.before:
                assert not (task.mask * coverage(item)).any()


def test_strokes_have_the_colour_of_the_truth(made):
    for task in made["strokes"]:
        core = coverage(task.edit.edit.after) == 1
        np.testing.assert_allclose(task.start[core], task.edit.target[core], atol=0.021)


def test_composites_show_the_new_object(made):
    for task in made["composition"]:
        core = coverage(task.edit.edit.after) == 1
        np.testing.assert_array_equal(task.start[core], task.edit.target[core])


def test_only_the_reference_kind_has_a_reference(made):
    for kind, tasks in made.items():
        assert all((task.reference is not None) == (kind == "reference") for task in tasks)


def test_a_task_is_the_same_whichever_was_asked_for_first(made):
    from elect_tino.bench.tino import tasks

    tasks._numbers.cache_clear()
    tasks.task.cache_clear()
    again = tasks.task("strokes", 3)
    np.testing.assert_array_equal(again.start, made["strokes"][3].start)
    assert again.edit.caption == made["strokes"][3].edit.caption
