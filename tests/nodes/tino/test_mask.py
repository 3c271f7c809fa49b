"""TiNOMask in its modes, with the real CLIPSeg architecture at small size."""

import shutil
from pathlib import Path

import pytest
import torch

WORDS = ("a brown dog on grass", "a brown cat on grass")


@pytest.fixture(scope="module")
def clipseg_folder(tmp_path_factory):
    """A CLIPSeg folder as users download it, with ComfyUI's copy of CLIP's tokenizer."""
    import comfy.sd1_clip
    from transformers import (
        CLIPSegConfig,
        CLIPSegForImageSegmentation,
        CLIPSegProcessor,
        CLIPTokenizer,
        ViTImageProcessor,
    )

    tokenizer = CLIPTokenizer.from_pretrained(
        Path(str(comfy.sd1_clip.__file__)).parent / "sd1_tokenizer"
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = CLIPSegForImageSegmentation(
        CLIPSegConfig(
            text_config={**sizes, "num_hidden_layers": 2, "eos_token_id": 49407},
            vision_config={**sizes, "num_hidden_layers": 4, "image_size": 64, "patch_size": 16},
            projection_dim=16,
            reduce_dim=8,
            extract_layers=[0, 1, 2],
            decoder_num_attention_heads=2,
            decoder_intermediate_size=16,
        )
    )
    folder = tmp_path_factory.mktemp("models") / "small"
    model.save_pretrained(folder)
    image_processor = ViTImageProcessor(size={"height": 64, "width": 64})
    CLIPSegProcessor(image_processor, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def masked(clipseg_folder, monkeypatch):
    from elect_tino.nodes.tino import mask as tino_mask

    monkeypatch.setattr(tino_mask, "_clipseg_folders", lambda: {"small": str(clipseg_folder)})

    @torch.inference_mode()
    def run(mode, image=None, **given):
        image = torch.rand(1, 48, 80, 3) if image is None else image
        return tino_mask.TiNOMask.execute(mode, image, **given).args[0]

    return run


def in_object_mode(masked, image, threshold, **given):
    prompts = {"source_prompt": WORDS[0], "target_prompt": WORDS[1]}
    return masked("object", image, clipseg="small", threshold=threshold, **{**prompts, **given})


def test_object_mode_asks_clipseg_for_the_words_that_go(masked, clipseg_folder):
    from PIL import Image
    from transformers import AutoProcessor, CLIPSegForImageSegmentation

    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (48, 80, 3), generator=generator, dtype=torch.uint8)
    processor = AutoProcessor.from_pretrained(clipseg_folder, use_fast=False)
    model = CLIPSegForImageSegmentation.from_pretrained(clipseg_folder)
    inputs = processor(text=["dog"], images=[Image.fromarray(pixels.numpy())], return_tensors="pt")
    with torch.no_grad():
        probability = model(**inputs).logits.sigmoid().reshape(1, 1, 64, 64)
    expected = torch.nn.functional.interpolate(probability, (48, 80), mode="bilinear")[:, 0]
    threshold = float(expected.median())
    mask = in_object_mode(masked, pixels[None] / 255, threshold)
    assert mask.shape == (1, 48, 80)
    assert 0.1 < mask.mean() < 0.9
    # Both resize the picture to the model's size on their own: pixels at the threshold may differ.
    assert (mask != (expected > threshold)).float().mean() < 0.02


def test_object_mode_says_what_is_missing(masked, tmp_path, monkeypatch):
    from elect_tino.nodes.tino import mask as tino_mask

    with pytest.raises(ValueError, match="source_prompt: every word"):
        in_object_mode(masked, None, 0.5, target_prompt=WORDS[0])
    with pytest.raises(ValueError, match="mask: CLIPSeg sees none of 'dog'"):
        in_object_mode(masked, None, 1.0)
    with pytest.raises(ValueError, match="clipseg: 'none' is not in models/clipseg"):
        masked("object", clipseg="none", source_prompt=WORDS[0], target_prompt=WORDS[1])
    monkeypatch.setattr(tino_mask, "_clipseg_folders", lambda: {"small": str(tmp_path)})
    with pytest.raises(ValueError, match="clipseg: .* holds no CLIPSeg"):
        in_object_mode(masked, None, 0.5)


def test_a_truncated_or_pickled_clipseg_is_refused(masked, clipseg_folder, tmp_path, monkeypatch):
    from elect_tino.nodes.tino import mask as tino_mask

    folder = tmp_path / "broken"
    shutil.copytree(clipseg_folder, folder)
    monkeypatch.setattr(tino_mask, "_clipseg_folders", lambda: {"small": str(folder)})
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="clipseg: broken could not be read"):
        in_object_mode(masked, None, 0.5)
    weights.unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="clipseg: broken could not be read"):
        in_object_mode(masked, None, 0.5)


def test_style_mode_marks_everything(masked):
    assert torch.equal(masked("style"), torch.ones(1, 48, 80))


def test_user_mode_passes_the_mask_on(masked):
    mask = torch.rand(1, 48, 80)
    assert torch.equal(masked("user", mask=mask), mask)
    with pytest.raises(ValueError, match="mask: mode 'user' needs one"):
        masked("user")
    with pytest.raises(ValueError, match="mask: expected the image's size 80x48, got 8x8"):
        masked("user", mask=torch.ones(1, 8, 8))
    with pytest.raises(ValueError, match="mask: it is empty"):
        masked("user", mask=torch.zeros(1, 48, 80))


def test_difference_mode_marks_what_was_drawn(masked):
    image = torch.rand(1, 48, 80, 3)
    changed = image.clone()
    changed[:, 10:20, 30:40] = 1 - changed[:, 10:20, 30:40].round()
    mask = masked("difference", image, image2=changed)
    assert mask[:, 10:20, 30:40].all()
    assert mask.sum() == 100
    with pytest.raises(ValueError, match="image2: mode 'difference'"):
        masked("difference", image)
    with pytest.raises(ValueError, match="second image"):
        masked("difference", image, image2=image)
    with pytest.raises(ValueError, match="second image: expected the size"):
        masked("difference", image, image2=image[:, :8])


def test_soft_edges_fade(masked):
    mask = torch.zeros(1, 48, 80)
    mask[:, 16:32, 30:50] = 1
    soft = masked("user", mask=mask, soft_edge=3)
    assert ((soft > 0) & (soft < 1)).any()
    assert soft[:, 24, 40] == 1


@pytest.fixture(scope="module")
def drawing():
    from elect_tino.embedded.model.comfyui import load_embedded

    with torch.inference_mode():
        return load_embedded(variant="drawing")


def test_relevance_mode_finds_what_the_model_would_change(masked, drawing):
    """Recolourings of the validation split: the mask is about the true place, not elsewhere."""
    from elect_tino.embedded.world.samples import sample

    model, clip, vae = drawing
    edits = [one for one in (sample("val", n) for n in range(20)) if one.kind == "recolour"]
    shared = []
    for edit in edits[:3]:
        image = torch.from_numpy(edit.source)[None]
        with torch.inference_mode():
            source = {"samples": vae.encode(image)}
        prompts = {"source_prompt": edit.source_caption, "target_prompt": edit.caption}
        mask = masked("relevance", image, model=model, source=source, clip=clip, **prompts)
        assert mask.shape == (1, *edit.mask.shape)
        assert set(mask.unique().tolist()) == {0.0, 1.0}
        found, true = mask[0] > 0, torch.from_numpy(edit.mask) > 0
        shared.append(float((found & true).sum() / (found | true).sum()))
        wide = masked(
            "relevance", image, model=model, source=source, clip=clip, threshold=0.2, **prompts
        )
        assert bool((wide >= mask).all())
    assert min(shared) > 0.2
    assert sum(shared) / len(shared) > 0.35


def test_relevance_mode_says_what_is_missing(masked, drawing):
    model, clip, _ = drawing
    with pytest.raises(ValueError, match="model: mode 'relevance' .* Connect model, source, clip"):
        masked("relevance")
    source = {"samples": torch.randn(1, 4, 16, 16)}
    wired = {"model": model, "source": source, "clip": clip}
    with pytest.raises(ValueError, match="source_prompt: it is empty"):
        masked("relevance", **wired)
    same = {"source_prompt": "a red star", "target_prompt": "a red star"}
    with pytest.raises(ValueError, match="target_prompt: the MODEL answers it as it does"):
        masked("relevance", **wired, **same)
