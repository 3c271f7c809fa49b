"""Teachers and students of the tiny world: what ships, what it knows, and how it is trained."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F
from torch.testing import assert_close

from elect_tino.embedded.data.pixels import to_bytes, to_floats
from elect_tino.embedded.data.teacher_pictures import (
    NAMES,
    render_pairs,
)
from elect_tino.embedded.model.observers import (
    load_observer,
    load_teacher_clip,
    load_teacher_text,
)
from elect_tino.embedded.model.shipped import WEIGHTS
from elect_tino.embedded.model.text import CONFIG, END, PROJECTION_DIM, TinyTextModel, token_ids
from elect_tino.embedded.training import export_teachers
from elect_tino.embedded.training.clip import lengths
from elect_tino.embedded.training.observer import known_again
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
