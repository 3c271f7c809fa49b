"""What the teachers are trained on and by: pictures, losses, runs that go on."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from elect_tino.embedded.data.pixels import to_bytes, to_floats
from elect_tino.embedded.data.teacher_pictures import (
    BACKGROUNDS,
    NAMES,
    NOTHING,
    cells_of,
    imperfect,
    load_pictures,
    render_pairs,
    render_to,
    shown_in,
)
from elect_tino.embedded.model.observers import (
    clip_pixels,
    load_teacher_clip,
)
from elect_tino.embedded.model.shipped import WEIGHTS
from elect_tino.embedded.model.vae import TinyVAE, load_shipped_vae, widen
from elect_tino.embedded.training.clip import contrastive_loss
from elect_tino.embedded.training.observer import contrast, view
from elect_tino.embedded.world.samples import sample

pytestmark = pytest.mark.comfy


def test_cells_and_names_say_what_is_drawn():
    edit = sample("train", 3)
    shown, cells = shown_in(edit.scene), cells_of(edit.scene)
    names = {item.name for item in edit.scene.objects}
    assert {n for n, s in zip((*NAMES, *BACKGROUNDS), shown, strict=True) if s} == names | {
        edit.scene.background_kind
    }
    item = edit.scene.objects[0]
    assert cells[int(item.y // 16), int(item.x // 16)] == NAMES.index(item.name)
    assert (cells == NOTHING).any()


def test_rendered_pairs_are_both_sides_of_the_edit_and_every_fourth_is_spoilt(tmp_path):
    pairs = render_pairs("train", 4, 2)
    exact = [
        to_bytes(np.stack([e.source, e.target])) for e in (sample("train", 4), sample("train", 5))
    ]
    assert not torch.equal(pairs.pictures[0], exact[0])
    assert (pairs.pictures[0].float() - exact[0].float()).abs().mean() < 60
    assert torch.equal(pairs.pictures[1], exact[1])
    assert (pairs.shown[1, 0] != pairs.shown[1, 1]).any()
    render_to(tmp_path, 2)
    groups = load_pictures(tmp_path)
    assert torch.equal(groups.pairs().pictures[1], render_pairs("train", 1, 1).pictures[0])


def test_wrong_answers_follow_both_sides_and_say_what_they_show():
    group = render_pairs("train", 5, 1, wrong=True)
    assert group.pictures.shape[:2] == (1, 6)
    edit = sample("train", 5)
    item = edit.edit.after or edit.edit.before
    assert item is not None
    rows = group.shown[0]
    names = [{n for n, s in zip(NAMES, row, strict=False) if s} for row in rows]
    kept = {o.name for o in edit.scene.objects if o != edit.edit.before}
    new = [(names[i] - kept).pop() for i in (2, 3, 4, 5)]
    assert len({*new, item.name}) == 5
    assert all(name.split()[0] == item.colour for name in new[:3])
    assert new[3].split()[1] == item.shape
    assert len({tuple(row) for row in group.captions[0].tolist()}) == 6
    assert all(not torch.equal(group.pictures[0, i], group.pictures[0, 1]) for i in (0, 2, 3, 4, 5))


@torch.no_grad()
def test_narrow_vae_is_the_shipped_one():
    vae, pictures = load_shipped_vae(), torch.rand(1, 3, 32, 32)
    wide = load_file(WEIGHTS / "vae.safetensors")
    for key, value in widen(vae).items():
        assert_close(value, wide[key].float())
    assert isinstance(vae, TinyVAE)
    same = imperfect(vae, (pictures * 255).byte(), 0.0, torch.Generator())
    assert_close(
        same, (vae.decode(vae.encode(to_floats((pictures * 255).byte()))) * 255).round().byte()
    )


def test_contrastive_loss_by_hand_and_equal_captions_are_no_negatives():
    logits = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    captions = torch.tensor([[1, 2], [3, 4]])
    rows = [math.log(1 + math.exp(-2)), math.log(1 + math.exp(-2))]
    columns = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(-3))]
    expected = (sum(rows) + sum(columns)) / 4
    assert contrastive_loss(logits, captions).item() == pytest.approx(expected, rel=1e-5)
    assert contrastive_loss(logits, torch.tensor([[1, 2], [1, 2]])).item() == 0


def test_nt_xent_by_hand():
    first, second = torch.eye(2), torch.eye(2)
    # Each of four views: its other half at 1 / 0.1, two others at 0.
    expected = math.log(1 + 2 * math.exp(-10))
    assert contrast(first, second).item() == pytest.approx(expected, abs=1e-6)


def test_views_differ_and_stay_pictures():
    pictures = torch.rand(3, 3, 128, 128)
    generator = torch.Generator().manual_seed(0)
    first, second = view(pictures, generator), view(pictures, generator)
    assert first.shape == (3, 3, 64, 64)
    assert first.min() >= 0
    assert first.max() <= 1
    assert (first - second).abs().mean() > 0.02


def test_teachers_train_and_a_finished_one_is_left_alone(tmp_path, monkeypatch):
    from elect_tino.embedded.training import clip as train_clip
    from elect_tino.embedded.training import observer as train_observer
    from elect_tino.embedded.training import vgg as train_vgg
    from elect_tino.embedded.training.run import Budget

    render_to(tmp_path / "pictures", 3)
    for module, train, batch in (
        (train_clip, train_clip.train_clip, "BATCH_GROUPS"),
        (train_vgg, train_vgg.train_vgg, "BATCH"),
        (train_observer, train_observer.train_observer, "BATCH_PAIRS"),
    ):
        monkeypatch.setattr(module, "NUM_VAL_PAIRS", 2)
        monkeypatch.setattr(module, batch, 2)
        folder = tmp_path / module.__name__
        run = train(folder, tmp_path / "pictures", Budget(steps=2))
        assert run.step == 2
        assert train(folder, tmp_path / "pictures", Budget(steps=2)).step == 2
        assert len((folder / "loss.jsonl").read_text().splitlines()) == 2


def test_the_shipped_teacher_can_go_on():
    from elect_tino.embedded.training.clip import shipped_teacher

    again = shipped_teacher()
    picture = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        own = again.tower.eval()(pixel_values=clip_pixels(picture)).image_embeds
    assert_close(own, load_teacher_clip()(picture))
    saved = load_file(WEIGHTS / "text_projection.safetensors")["text_projection.fc2.weight"]
    assert torch.equal(again.text_projection.fc2.weight, saved.float())
