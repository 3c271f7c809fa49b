"""A spoilt target differs from the true one where its kind says, and only there."""

import numpy as np
import pytest
import torch

from elect_tino.embedded.data.batches import draw_batch
from elect_tino.embedded.data.spoil import CLEAN, DOSES, KINDS, NONE, SPOILS, spoilt
from elect_tino.embedded.world.samples import edit_mask, rng_for, sample

EDITS = [sample("val", index) for index in range(24)]


def pairs(kind: str):
    """Edits with their spoilt targets (H, W, 3), those that can be spoilt so."""
    for index, edit in enumerate(EDITS):
        picture = SPOILS[kind](rng_for("val", 1000 + index), edit.scene, edit.edit, "val")
        if picture is not None:
            yield edit, picture


def share_changed(edit, picture: np.ndarray) -> tuple[float, float]:
    """Shares of pixels outside and inside the edit's mask that are not the true target's."""
    changed = np.abs(picture - edit.target).max(-1) > 1e-3
    inside = edit_mask(edit.edit).squeeze() > 0
    return changed[~inside].mean(), changed[inside].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_in_range_and_many_edits_can_be_spoilt_so(kind):
    found = list(pairs(kind))
    assert len(found) >= 8
    for _, picture in found:
        assert picture.dtype == np.float32
        assert 0 <= picture.min() <= picture.max() <= 1


def test_a_tone_cast_changes_nearly_everything():
    outside, inside = zip(*(share_changed(*pair) for pair in pairs("tone")), strict=True)
    assert np.mean(outside) > 0.9
    assert np.mean(inside) > 0.8


@pytest.mark.parametrize("kind", ["background", "blend"])
def test_another_background_leaves_the_edited_object_alone(kind):
    for edit, picture in pairs(kind):
        if edit.edit.after is None:
            continue  # a removed object shows the background
        y, x = round(edit.edit.after.y), round(edit.edit.after.x)
        assert np.abs(picture[y, x] - edit.target[y, x]).max() < 1e-3
        assert share_changed(edit, picture)[0] > 0.2


def test_a_second_object_keeps_the_edit_and_changes_little_else():
    for edit, picture in pairs("second"):
        outside, inside = share_changed(edit, picture)
        assert inside < 0.02
        assert 0 < outside < 0.4


def test_the_wrong_object_leaves_the_meant_one_as_it_was():
    for edit, picture in pairs("wrong"):
        inside = edit_mask(edit.edit).squeeze() > 0
        assert np.abs(picture - edit.source)[inside].max(-1).mean() < 0.05
        assert np.abs(picture - edit.source).max() > 0.05


def test_what_cannot_be_spoilt_as_wanted_gets_a_tone_cast():
    lonely = next(edit for edit in EDITS if len(edit.scene.objects) == 1 and edit.kind != "add")
    rng = rng_for("val", 0)
    assert spoilt(rng, lonely.scene, lonely.edit, "val", "second")[0] == "tone"


@pytest.mark.parametrize("dose", DOSES)
def test_doses_add_up(dose):
    assert sum(DOSES[dose].values()) == pytest.approx(1)
    assert set(DOSES[dose]) <= {CLEAN, NONE, *KINDS}


def cached(num_scenes: int = 40) -> dict[str, torch.Tensor]:
    """Latents that say what they are: source 0, true targets 1, spoilt ones 10 + kind."""
    latents = torch.ones(num_scenes, 4, 4, 2, 2)
    latents[:, 0] = 0.25
    kinds = torch.arange(num_scenes * 3).view(num_scenes, 3) % len(KINDS)
    spoils = (10 + kinds).view(num_scenes, 3, 1, 1, 1).expand(-1, -1, 4, 2, 2).float()
    tokens = torch.ones(num_scenes, 3, 2, 3, 24, dtype=torch.int64)
    tokens[:, :, 1] = 0  # forth only
    return {
        "latents": latents,
        "spoilt": spoils,
        "kinds": kinds,
        "masks": torch.ones(num_scenes, 3, 2, 2),
        "instructions": tokens,
        "captions": torch.ones(num_scenes, 4, 24, dtype=torch.int64),
    }


@pytest.mark.parametrize("dose", ["mild", "harsh"])
def test_a_batch_holds_each_kind_at_its_dose(dose):
    batch = draw_batch(cached(), 6000, torch.Generator().manual_seed(0), dose)
    given = batch.source.flatten(1).abs().amax(1) > 0
    values = batch.target[given, 0, 0, 0]
    for index, kind in enumerate(KINDS):
        share = (values == 10 + index).float().mean().item()
        assert share == pytest.approx(DOSES[dose].get(kind, 0), abs=0.02)
    assert (values == 0.25).float().mean().item() == pytest.approx(DOSES[dose][NONE], abs=0.02)


def test_samples_without_a_source_keep_the_true_target():
    batch = draw_batch(cached(), 2000, torch.Generator().manual_seed(1), "harsh")
    bare = batch.source.flatten(1).abs().amax(1) == 0
    assert bare.any()
    assert (batch.target[bare] == 1).all()


def test_a_clean_batch_is_what_it_was_without_doses():
    batch = draw_batch(cached(), 500, torch.Generator().manual_seed(2))
    assert (batch.target == 1).all()
