"""Teachers and students of the tiny world: what ships, what it knows, and how it is trained."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F
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
    load_observer,
    load_teacher_clip,
    load_teacher_text,
)
from elect_tino.embedded.model.shipped import WEIGHTS
from elect_tino.embedded.model.text import CONFIG, END, PROJECTION_DIM, TinyTextModel, token_ids
from elect_tino.embedded.model.vae import TinyVAE, load_shipped_vae, widen
from elect_tino.embedded.training import export_teachers
from elect_tino.embedded.training.clip import contrastive_loss, lengths
from elect_tino.embedded.training.observer import contrast, known_again, view
from elect_tino.embedded.training.vgg import vgg_pixels
from elect_tino.embedded.world.samples import sample
from elect_tino.tino_core.latent_clip import load_latent_clip
from elect_tino.tino_core.latent_vgg import load_latent_vgg

pytestmark = pytest.mark.comfy

NUM_EDITS = 24
CAPTIONS = ["a red circle and a blue star on stripes", "a pink square on a photo", "nothing"]


@pytest.fixture(scope="module")
def edits():
    """Edits of the test split that change the caption."""
    made = (sample("test", index) for index in range(9000, 9100))
    return [e for e in made if e.caption != e.source_caption][:NUM_EDITS]


@pytest.fixture(scope="module")
def pictures(edits):
    """Sources and targets, (2, N, 3, H, W) in [0, 1]."""
    sides = ([e.source for e in edits], [e.target for e in edits])
    return torch.stack([to_floats(to_bytes(np.stack(side))) for side in sides])


@pytest.fixture(scope="module")
def encode(tmp_path_factory):
    """Pictures -> latents in the model's own scale, by the folder that students learn from."""
    from elect_tino.tino_core.training.vae import load_encoder

    folder = export_teachers.vae_folder(tmp_path_factory.mktemp("vae"))
    encoder = load_encoder(str(folder), None, torch.device("cpu"))
    return lambda batch: encoder(batch, 0)


@pytest.fixture(scope="module")
def latents(encode, pictures):
    return torch.stack([encode(side) for side in pictures])


def shipped_text_model(config: dict) -> TinyTextModel:
    model = TinyTextModel(config).eval()
    state = load_file(WEIGHTS / "text_encoder.safetensors")
    model.load_state_dict(
        {k: v.float() for k, v in state.items()}, strict="projection_dim" not in config
    )
    return model


@torch.no_grad()
def test_projection_leaves_the_tokens_as_they_were():
    tokens = torch.tensor([token_ids(text) for text in CAPTIONS])
    count = lengths(tokens).tolist()
    plain = shipped_text_model({})(tokens, num_tokens=count)
    with_projection = shipped_text_model({"projection_dim": 8})(tokens, num_tokens=count)
    assert torch.equal(plain[0], with_projection[0])
    assert plain[2].shape == (3, 128)
    assert with_projection[2].shape == (3, 8)


@torch.no_grad()
def test_projected_feature_is_the_mean_up_to_end():
    model = TinyTextModel({**CONFIG, "projection_dim": 4}).eval()
    tokens = torch.tensor([token_ids(CAPTIONS[0])])
    count = lengths(tokens)
    assert tokens[0, count - 1] == END
    out, head = model(tokens)[0], model.text_projection
    assert head is not None
    before = torch.cat([torch.zeros(1, 1, 128), out[:, :-1]], 1)
    seen = F.gelu(head.fc1(torch.cat([before, out], -1)))[:, : int(count)]
    assert_close(model(tokens, num_tokens=count.tolist())[2], head.fc2(seen.mean(1)))


def test_comfyuis_clip_gives_the_trained_tokens_and_the_shared_feature():
    from elect_tino.embedded.model.comfyui import load_clip

    clip = load_clip(WEIGHTS / "text_encoder.safetensors")
    model, feature = shipped_text_model({}), load_teacher_text()
    for text in CAPTIONS:
        tokens, pooled = clip.encode_from_tokens(clip.tokenize(text), return_pooled=True)
        with torch.no_grad():
            assert torch.equal(tokens, model(torch.tensor([token_ids(text)]))[0])
        assert_close(pooled, feature([text]))
        assert pooled.shape == (1, PROJECTION_DIM)


def test_the_folders_latents_are_comfyuis_in_the_models_scale(encode, pictures):
    from elect_tino.embedded.model.comfyui import load_unet, load_vae

    vae = load_vae(WEIGHTS / "vae.safetensors")
    latent_format = load_unet(WEIGHTS / "unet.safetensors").model.latent_format
    theirs = latent_format.process_in(vae.encode(pictures[0, :2].permute(0, 2, 3, 1)))
    assert theirs.shape == (2, 4, 16, 16)
    assert_close(encode(pictures[0, :2]), theirs, atol=1e-3, rtol=1e-3)


def test_only_safetensors_ship_and_they_are_small():
    names = {path.name for path in WEIGHTS.iterdir()}
    assert {n for n in names if not n.endswith(".safetensors")} == {"README.md"}
    for name in ("teacher_clip", "teacher_vgg", "observer", "latent_clip", "latent_vgg"):
        assert (WEIGHTS / f"{name}.safetensors").stat().st_size < 4e6


@torch.no_grad()
def test_latent_clip_says_of_latents_what_its_teacher_says_of_pictures(pictures, latents):
    student = load_latent_clip(WEIGHTS / "latent_clip.safetensors")
    assert student.latent_space == "EmbeddedLatent"
    learned, taught = student(latents[0]), load_teacher_clip()(pictures[0])
    own = F.cosine_similarity(learned, taught)
    others = F.cosine_similarity(learned, taught.roll(1, 0))
    assert own.mean() > others.mean() + 0.4
    assert (own > others).float().mean() > 0.9


@torch.no_grad()
def test_an_edit_moves_latent_clip_the_way_its_caption_changes(edits, latents):
    student, text = load_latent_clip(WEIGHTS / "latent_clip.safetensors"), load_teacher_text()
    before, after = (F.normalize(student(side), dim=-1) for side in latents)
    said_before = F.normalize(text([e.source_caption for e in edits]), dim=-1)
    said_after = F.normalize(text([e.caption for e in edits]), dim=-1)
    moved = ((after - before) * (said_after - said_before)).sum(-1)
    elsewhere = ((after - before) * (said_after - said_before).roll(1, 0)).sum(-1)
    assert (moved > 0).float().mean() > 0.75
    assert moved.mean() > 3 * elsewhere.mean().abs()


@torch.no_grad()
def test_latent_vgg_says_of_latents_what_its_teacher_says_of_pictures(pictures, latents):
    student = load_latent_vgg(WEIGHTS / "latent_vgg.safetensors")
    assert student.latent_space == "EmbeddedLatent"
    teacher = load_latent_vgg(WEIGHTS / "teacher_vgg.safetensors")
    taught = teacher(vgg_pixels(pictures[0]))
    error = (student(latents[0]) - taught).abs().mean()
    apart = (taught - taught.roll(1, 0)).abs().mean()
    assert error < 0.6 * apart


@torch.no_grad()
def test_teacher_clip_finds_captions_and_teacher_vgg_names(edits, pictures):
    image, text = load_teacher_clip()(pictures[1]), load_teacher_text()([e.caption for e in edits])
    similar = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    assert (similar.argmax(1) == torch.arange(len(edits))).float().mean() > 0.5
    flat = render_pairs("test", 9001, 12).flat()
    vgg = load_latent_vgg(WEIGHTS / "teacher_vgg.safetensors")
    told, shown = vgg(vgg_pixels(to_floats(flat.pictures)))[:, : len(NAMES)], flat.shown.bool()
    there, absent = told[shown[:, : len(NAMES)]], told[~shown[:, : len(NAMES)]]
    assert (there[:, None] > absent).float().mean() > 0.85


def test_observer_knows_unseen_pictures_again_and_sees_edits(pictures):
    observer = load_observer()
    assert known_again(observer, pictures[0]) > 0.9
    with torch.no_grad():
        before, after = (observer(side) for side in pictures)
    likeness = F.cosine_similarity(before, after)
    assert (likeness < 1 - 1e-5).all()
    assert 0.99 > likeness.mean() > F.cosine_similarity(before, before.roll(1, 0)).mean()


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
    assert group.pictures.shape[:2] == (1, 5)
    edit = sample("train", 5)
    item = edit.edit.after or edit.edit.before
    assert item is not None
    rows = group.shown[0]
    names = [{n for n, s in zip(NAMES, row, strict=False) if s} for row in rows]
    kept = {o.name for o in edit.scene.objects if o != edit.edit.before}
    new = [(names[i] - kept).pop() for i in (2, 3, 4)]
    assert len({*new, item.name}) == 4
    assert all(name.split()[0] == item.colour for name in new[:2])
    assert new[2].split()[1] == item.shape
    assert len({tuple(row) for row in group.captions[0].tolist()}) == 5
    assert all(not torch.equal(group.pictures[0, i], group.pictures[0, 1]) for i in (0, 2, 3, 4))


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
