"""The success check says yes to the truth and no to everything an edit can do wrong."""

from dataclasses import replace

import numpy as np
import pytest

from elect_tino.embedded.world.edits import Edit
from elect_tino.embedded.world.objects import COLOURS, SHAPES, SIZE, Object
from elect_tino.embedded.world.samples import describe
from elect_tino.embedded.world.scene import Scene
from elect_tino.embedded.world.success import Judge, background_error, edit_succeeded

CIRCLE = Object("circle", "red", 36, 36, 20)
STAR = Object("star", "green", 92, 92, 22)


def make(edit: Edit):
    background = np.full((SIZE, SIZE, 3), 0.5, dtype=np.float32)
    scene = Scene(background, "gradient", (CIRCLE, STAR))
    return describe(np.random.default_rng(0), scene, edit)


EDITS = {
    "recolour": Edit("recolour", CIRCLE, replace(CIRCLE, colour="blue")),
    "replace": Edit("replace", CIRCLE, replace(CIRCLE, shape="square")),
    "remove": Edit("remove", CIRCLE, None),
    "add": Edit("add", None, Object("triangle", "cyan", 94, 34, 20)),
}


@pytest.fixture(params=EDITS)
def sample(request):
    return make(EDITS[request.param])


def test_truth_succeeds(sample):
    assert edit_succeeded(sample, sample.target)


def test_blurred_and_noisy_truth_succeeds(sample):
    target = sample.target
    blurred = (target + np.roll(target, 1, 0) + np.roll(target, 1, 1) + np.roll(target, -1, 0)) / 4
    noise = np.random.default_rng(0).normal(0, 0.05, target.shape)
    assert edit_succeeded(sample, (blurred + noise).astype(np.float32))


def test_untouched_source_fails(sample):
    assert not edit_succeeded(sample, sample.source)


def test_half_way_between_source_and_truth_fails(sample):
    assert not edit_succeeded(sample, 0.6 * sample.source + 0.4 * sample.target)


def test_grey_picture_fails(sample):
    assert not edit_succeeded(sample, np.full_like(sample.source, 0.45))


@pytest.mark.parametrize("colour", [c for c in COLOURS if c not in ("red", "blue")])
def test_another_colour_fails(colour):
    wrong = make(Edit("recolour", CIRCLE, replace(CIRCLE, colour=colour)))
    assert not edit_succeeded(make(EDITS["recolour"]), wrong.target)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s not in ("circle", "square")])
def test_another_shape_fails(shape):
    wrong = make(Edit("replace", CIRCLE, replace(CIRCLE, shape=shape)))
    assert not edit_succeeded(make(EDITS["replace"]), wrong.target)


def test_wrong_object_edited_fails():
    wrong = make(Edit("recolour", STAR, replace(STAR, colour="blue")))
    assert not edit_succeeded(make(EDITS["recolour"]), wrong.target)


def test_both_objects_edited_fails():
    sample = make(EDITS["recolour"])
    meant = EDITS["recolour"].apply(sample.scene)
    both = Edit("recolour", STAR, replace(STAR, colour="blue")).apply(meant)
    assert not edit_succeeded(sample, both.render())


def test_other_object_removed_fails():
    sample = make(EDITS["remove"])
    nothing = sample.scene.with_objects(())
    assert not edit_succeeded(sample, nothing.render())


def test_wrong_picture_size_is_refused():
    with pytest.raises(ValueError, match=r"picture must be \(128, 128, 3\)"):
        Judge(make(EDITS["recolour"])).succeeded(np.zeros((64, 64, 3), dtype=np.float32))


def test_background_error_of_truth_is_zero_and_of_a_shift_is_its_square(sample):
    assert background_error(sample, sample.target) == 0
    assert background_error(sample, sample.source + 0.1) == pytest.approx(100, rel=1e-3)
