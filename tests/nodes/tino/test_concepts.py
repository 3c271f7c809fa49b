"""Concepts that a user brings: what they learnt reaches the picture and the semantic loss."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from elect_tino.embedded.world.examples import load_example
from elect_tino.harness.workflows.recipes.parts import EXAMPLE

SUBJECT = "a purple square on a photo"
SOURCE, TARGET = (
    "a blue star and a yellow triangle on a photo",
    "a blue star and a {} triangle on a photo",
)


@pytest.fixture(scope="module")
def embedded():
    from elect_tino.embedded.model.comfyui import load_embedded

    with torch.inference_mode():
        return load_embedded(variant="drawing")


@pytest.fixture
def optimize():
    from elect_tino.nodes.tino.latent_models import EMBEDDED, LatentCLIPLoader
    from elect_tino.nodes.tino.optimise import TiNOOptimize

    TiNOOptimize.hidden = SimpleNamespace(unique_id=None)

    @torch.inference_mode()
    def run(loaded, source_prompt, target_prompt, iterations=2, strength=0.75, mask=True):
        model, clip, vae = loaded
        example = load_example(EXAMPLE)
        out = TiNOOptimize.execute(
            model=model,
            positive=clip.encode_from_tokens_scheduled(clip.tokenize(target_prompt)),
            source={"samples": vae.encode(torch.from_numpy(example.source)[None])},
            mask=torch.from_numpy(example.mask)[None] if mask else None,
            clip=clip,
            source_prompt=source_prompt,
            target_prompt=target_prompt,
            latent_clip=LatentCLIPLoader.execute(EMBEDDED).args[0],
            cfg=1.0,
            num_steps=4,
            strength=strength,
            iterations=iterations,
            seed=0,
            lr_timesteps=1.0,
            lr_noise=0.005,
            weight_decay=0.0,
            semantic_weight=1.0,
            perceptual_weight=0.0,
            reference_weight=0.0,
        )
        return SimpleNamespace(latent=out.args[0]["samples"], text=out.args[2])

    return run


def first_loss(found) -> float:
    return float(found.text.split("loss ")[1].split(" ->")[0])


def test_a_textual_inversion_word_means_what_it_learnt(tmp_path, optimize):
    """An embedding file with the vector of a known word acts exactly as that word."""
    from safetensors.torch import save_file

    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.embedded.model.text import word_ids

    with torch.inference_mode():
        loaded = load_embedded(variant="drawing", embedding_directory=[str(tmp_path)])
    words = loaded[1].cond_stage_model.clip_l.transformer.get_input_embeddings().weight
    (number,) = word_ids("pink")
    save_file({"emb_params": words[number][None].clone()}, tmp_path / "rosy.safetensors")
    learnt = optimize(loaded, SOURCE, TARGET.format("embedding:rosy"))
    known = optimize(loaded, SOURCE, TARGET.format("pink"))
    other = optimize(loaded, SOURCE, TARGET.format("green"))
    assert torch.equal(learnt.latent, known.latent)
    assert first_loss(learnt) == first_loss(known)
    assert not torch.allclose(other.latent, known.latent)
    assert first_loss(other) != first_loss(known)


def tuned(embedded, folder, subject: torch.Tensor, steps: int = 40):
    """DreamBooth in small: UNet and text encoder learn one picture by its caption."""
    from safetensors.torch import load_file, save_file

    from elect_tino.embedded.model.comfyui import WEIGHTS, load_embedded
    from elect_tino.embedded.model.objectives import alphas_cumprod
    from elect_tino.embedded.model.text import token_ids
    from elect_tino.embedded.training.editor import Editor

    for path in WEIGHTS.glob("*.safetensors"):
        shutil.copy(path, folder)
    torch.manual_seed(0)
    editor = Editor()
    editor.unet.load_state_dict(
        {k: v.float() for k, v in load_file(WEIGHTS / "drawing.safetensors").items()}
    )
    editor.text.load_state_dict(
        {k: v.float() for k, v in load_file(WEIGHTS / "text_encoder.safetensors").items()}
    )
    optimiser = torch.optim.AdamW(editor.parameters(), lr=5e-4)
    schedule, tokens = alphas_cumprod(), torch.tensor([token_ids(SUBJECT)]).repeat(8, 1)
    target = embedded[0].model.process_latent_in(subject).clone().repeat(8, 1, 1, 1)
    empty = embedded[0].model.process_latent_in(torch.zeros(8, 4, 16, 16)).clone()
    for _ in range(steps):
        t = torch.randint(300, 1000, (8,))
        alpha = schedule[t].view(-1, 1, 1, 1)
        noise = torch.randn_like(target)
        v = alpha.sqrt() * noise - (1 - alpha).sqrt() * target
        noisy = alpha.sqrt() * target + (1 - alpha).sqrt() * noise
        loss = F.mse_loss(editor(noisy, empty, t, tokens), v)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    description = metadata(WEIGHTS / "drawing.safetensors")
    save_file(contiguous(editor.unet), folder / "drawing.safetensors", description)
    save_file(contiguous(editor.text), folder / "text_encoder.safetensors")
    with torch.inference_mode():
        return load_embedded(folder, variant="drawing")


def contiguous(module) -> dict:
    return {key: value.contiguous() for key, value in module.state_dict().items()}


def metadata(path) -> dict:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata()


def test_a_dreambooth_checkpoint_shows_its_subject(embedded, tmp_path, optimize):
    picture = np.zeros((128, 128, 3), dtype=np.float32)
    picture[..., 1] = 0.8  # a subject unlike anything of the world: a black ring on green
    rows, columns = np.mgrid[:128, :128] - 64
    picture[np.abs(np.hypot(rows, columns) - 40) < 12] = 0
    with torch.inference_mode():
        subject = embedded[2].encode(torch.from_numpy(picture)[None])
    checkpoint = tuned(embedded, tmp_path, subject)
    plain = optimize(embedded, SOURCE, SUBJECT, strength=1.0, mask=False)
    learnt = optimize(checkpoint, SOURCE, SUBJECT, strength=1.0, mask=False)

    def distance(found) -> float:
        return float((found.latent - subject).square().mean())

    assert distance(learnt) < 0.5 * distance(plain)
    assert first_loss(learnt) != pytest.approx(first_loss(plain), abs=1e-3)
