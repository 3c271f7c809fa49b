"""A LatentCLIP's own text tower: from the teacher into the file, from the file into the loss."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from ...tino_core.small_training import options, save_pictures
from .test_concepts import embedded
from .test_latent_models import clip as load_clip
from .test_latent_models import folder

__all__ = ["embedded", "folder"]

pytestmark = pytest.mark.comfy
PROMPTS = {"source_prompt": "a red star on grass", "target_prompt": "a blue star on grass"}
TEXTS = {"source_text": None, "target_text": None, "perceptual_weight": 0.0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A student of a whole CLIP of both towers, with its texts; and that CLIP."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import CLIPConfig, CLIPModel

    from elect_tino.tino_core.training.distil import distil

    root = tmp_path_factory.mktemp("own_texts")
    save_pictures(root / "images", 12, 0)
    small: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "projection_dim": 8}  # fmt: skip
    sizes: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (8, 8),
        "norm_num_groups": 4,
    }
    torch.manual_seed(0)
    with torch.inference_mode(False):
        vision = {**small, "image_size": 32, "patch_size": 8}
        teacher = CLIPModel(CLIPConfig(text_config=small, vision_config=vision, projection_dim=8))
        teacher.eval().save_pretrained(root / "clip")
        AutoencoderKL(**sizes).save_pretrained(root / "vae")
        distil(options(root, root, steps=2, texts=True, checkpoint_every=1))
        distil(options(root, root, steps=3, texts=True))  # taken up: the texts are no part of it
    return root / "student.safetensors", teacher, str(root / "clip")


@pytest.fixture
def own(trained, folder):
    (folder / "own.safetensors").write_bytes(Path(trained[0]).read_bytes())
    return load_clip("own.safetensors")


def test_the_file_says_its_space_and_reads_prompts_as_its_teacher_does(trained, own):
    import comfy.sd1_clip
    from transformers import CLIPTokenizer

    _, teacher, name = trained
    assert own.text_space == own.own_texts.space == name
    tokenizer = CLIPTokenizer.from_pretrained(
        Path(str(comfy.sd1_clip.__file__)).parent / "sd1_tokenizer"
    )
    prompts = [*PROMPTS.values(), "word " * 200]
    tokens = tokenizer(
        prompts, padding="max_length", truncation=True, max_length=77, return_tensors="pt"
    )
    with torch.no_grad():
        expected = teacher.text_projection(teacher.text_model(**tokens).pooler_output)
    assert_close(own.own_texts(prompts), expected, atol=1e-5, rtol=1e-4)
    # The loop's model is the vision tower alone.
    (patcher,) = own.patchers
    assert not any("text" in key for key in patcher.model.state_dict())


def test_prompts_aim_at_the_target_without_a_clip_and_automatically(optimize, own):
    aimed = optimize(
        latent_clip=own, text_loss="automatic", iterations=6, lr_noise=0.1, **PROMPTS, **TEXTS
    )
    assert "text_loss: paper" not in aimed.text
    same = optimize(
        latent_clip=own,
        text_loss="towards the target",
        iterations=6,
        lr_noise=0.1,
        **PROMPTS,
        **TEXTS,
    )
    assert torch.equal(aimed.latent, same.latent)
    with pytest.raises(ValueError, match="clip: connect the CLIP"):  # the paper's, by the MODEL's
        optimize(latent_clip=own, **PROMPTS, **TEXTS)


def test_learnt_words_stay_on_paper_and_the_node_says_why(optimize, own, embedded):
    _, clip, _ = embedded
    words = {**PROMPTS, "target_prompt": "a embedding:mine on grass"}
    found = optimize(
        latent_clip=own, clip=clip, text_loss="automatic", iterations=1, **words, **TEXTS
    )
    assert "text_loss: paper (Eq. 4), since a textual-inversion word" in found.text
    with pytest.raises(ValueError, match="text_loss: directional .* a textual-inversion word"):
        optimize(latent_clip=own, clip=clip, text_loss="directional", **words, **TEXTS)


def test_a_tuned_encoder_stays_on_paper_and_the_node_says_why(optimize, own):
    from elect_tino.embedded.model.comfyui import load_embedded

    with torch.inference_mode():
        _, tuned, _ = load_embedded(variant="drawing")
        for weight in tuned.cond_stage_model.parameters():
            weight.mul_(1.01)
    found = optimize(
        latent_clip=own, clip=tuned, text_loss="automatic", iterations=1, **PROMPTS, **TEXTS
    )
    assert "text_loss: paper (Eq. 4), since the text encoder was tuned (DreamBooth)" in found.text


def test_a_teacher_that_only_sees_has_no_texts_to_store(trained, tmp_path):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    from elect_tino.tino_core.training.teachers import text_teacher

    sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "image_size": 32, "patch_size": 8}  # fmt: skip
    CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="--texts: .* has no text tower"):
        text_teacher(str(tmp_path))
    with pytest.raises(ValueError, match="--texts: only a teacher of the student clip"):
        options(tmp_path, tmp_path, student="vgg", texts=True)
