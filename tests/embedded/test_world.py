"""The tiny world: deterministic, split by construction, its truth consistent with its words."""

import numpy as np
import pytest

from elect_tino.embedded.model.text import UNKNOWN, vocabulary, word_ids
from elect_tino.embedded.world.backgrounds import PHOTOS
from elect_tino.embedded.world.edits import KINDS, Edit, caption, wording
from elect_tino.embedded.world.objects import COLOURS, SHAPES, SIZE, Object, coverage
from elect_tino.embedded.world.samples import sample
from elect_tino.embedded.world.scene import PLACE_RADIUS, PLACES, is_free

pytest.importorskip("skimage", reason="photographs come with scikit-image")


@pytest.fixture(scope="module")
def samples():
    return [sample("val", i) for i in range(60)]


def test_same_index_gives_same_pixels():
    first, second = sample("test", 7), sample("test", 7)
    np.testing.assert_array_equal(first.source, second.source)
    np.testing.assert_array_equal(first.target, second.target)
    assert first.instruction == second.instruction


def test_splits_differ_at_the_same_index():
    assert sample("train", 3).instruction != sample("test", 3).instruction or not np.array_equal(
        sample("train", 3).source, sample("test", 3).source
    )


def test_no_photograph_is_in_two_splits():
    names = [name for split in PHOTOS.values() for name in split]
    assert len(names) == len(set(names))


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split must be one of train, val, test"):
        sample("dev", 0)


def test_nothing_changes_outside_the_mask(samples):
    for s in samples:
        outside = s.mask == 0
        np.testing.assert_array_equal(s.source[outside], s.target[outside])


def test_every_edit_changes_something_inside_the_mask(samples):
    assert all(np.abs(s.source - s.target).max() > 0.1 for s in samples)


def test_every_kind_of_edit_occurs(samples):
    assert {s.kind for s in samples} == set(KINDS)


def test_pictures_are_in_range_and_shape(samples):
    for s in samples:
        assert s.source.shape == (SIZE, SIZE, 3)
        assert s.source.dtype == np.float32
        assert s.source.min() >= 0
        assert s.source.max() <= 1


def test_no_two_objects_share_a_name_before_or_after(samples):
    for s in samples:
        for scene in (s.scene, s.edit.apply(s.scene)):
            names = [o.name for o in scene.objects]
            assert len(names) == len(set(names))


def test_objects_keep_clear_of_each_other(samples):
    for s in samples:
        objects = s.scene.objects
        for k, item in enumerate(objects):
            assert is_free(item, objects[:k])


def test_instruction_names_the_edited_object(samples):
    for s in samples:
        if s.edit.before is not None:
            assert s.edit.before.name in s.instruction


def test_inverse_restores_the_scene(samples):
    for s in samples:
        inverse = s.edit.inverse()
        if inverse is not None:
            back = inverse.apply(s.edit.apply(s.scene))
            assert set(back.objects) == set(s.scene.objects)


def test_removal_from_no_named_place_has_no_inverse():
    item = Object("star", "red", 50.0, 50.0, 20.0)
    assert Edit("remove", item, None).inverse() is None


def test_removal_from_a_named_place_is_undone_by_add():
    x, y = PLACES["top left"]
    item = Object("star", "red", x, y, PLACE_RADIUS)
    inverse = Edit("remove", item, None).inverse()
    assert inverse == Edit("add", None, item)


@pytest.mark.parametrize("shape", SHAPES)
def test_coverage_has_soft_edges_and_a_full_core(shape):
    alpha = coverage(Object(shape, "red", 64, 64, 20))
    assert alpha.max() == 1
    assert alpha.min() == 0
    assert ((alpha > 0.05) & (alpha < 0.95)).sum() > 20


def test_circle_area_is_pi_r_squared():
    alpha = coverage(Object("circle", "red", 64, 64, 20))
    assert alpha.sum() == pytest.approx(np.pi * 20**2, rel=0.05)


def test_vocabulary_knows_every_word_of_the_world(samples):
    assert all(vocabulary().get(word) is not None for word in wording())
    for s in samples:
        assert UNKNOWN not in word_ids(f"{s.instruction} {s.source_caption} {s.caption}")


def test_caption_lists_every_object(samples):
    for s in samples:
        assert all(o.name in caption(s.scene) for o in s.scene.objects)


def test_colours_are_far_apart():
    colours = np.asarray(list(COLOURS.values()), dtype=float)
    distance = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert distance[~np.eye(len(colours), dtype=bool)].min() > 90
