"""Every model that ships does what its line in the loader says, on a few validation edits."""

import pytest
import torch
from torch.nn import functional as F

from elect_tino.embedded.model.shipped import VARIANTS

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_loads_and_says_what_it_is(variant):
    from elect_tino.embedded.model.comfyui import OBJECTIVES, load_embedded
    from elect_tino.embedded.model.objectives import RECTIFIED_FLOW, V_PREDICTION

    model = load_embedded(variant=variant)[0].model
    flow = variant.startswith("flow")
    assert OBJECTIVES[model.model_type] is (RECTIFIED_FLOW if flow else V_PREDICTION)


@pytest.fixture(scope="module")
def edits():
    pytest.importorskip("skimage", reason="photographs come with scikit-image")
    from elect_tino.embedded.world.samples import sample

    return [sample("val", index) for index in range(8)]


@pytest.mark.parametrize("variant", [name for name in VARIANTS if not name.startswith("drawing")])
def test_most_edits_succeed(variant, edits):
    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.embedded.report.editing import SETTINGS, editor_of, judge, run_edits, success

    model, clip, vae = load_embedded(variant=variant)
    setting = SETTINGS[variant]
    guidance = (2.0, 1.5) if setting.swept else (1.0, 1.0)
    pictures = run_edits(editor_of(model, clip), vae, edits, guidance, num_steps=setting.steps)
    assert success(judge(edits, pictures)) >= 50


@pytest.mark.parametrize(("variant", "steps"), [("drawing_4", 4), ("drawing_1", 1)])
def test_a_few_step_model_draws_what_its_caption_says(variant, steps, edits):
    """As the teacher sees it, most pictures are nearer to their own caption than to others."""
    from elect_tino.embedded.model.comfyui import load_embedded
    from elect_tino.embedded.model.observers import load_teacher_clip, load_teacher_text
    from elect_tino.embedded.model.text import token_ids
    from elect_tino.embedded.report.editing import editor_of
    from elect_tino.embedded.training.sampling import sample_latents

    model, clip, vae = load_embedded(variant=variant)
    captions = [edit.source_caption for edit in edits]
    tokens = torch.tensor([token_ids(caption) for caption in captions])
    with torch.inference_mode():
        editor = editor_of(model, clip)
        nothing = torch.zeros(len(edits), 4, 16, 16)
        seeds = list(range(len(edits)))
        drawn = vae.decode(sample_latents(editor, nothing, tokens, seeds, 1.0, 1.0, steps))
        pictures = load_teacher_clip()(drawn.movedim(-1, 1).clamp(0, 1))
        similar = F.normalize(pictures) @ F.normalize(load_teacher_text()(captions)).T
    own, others = similar.diagonal(), (similar.sum(1) - similar.diagonal()) / (len(edits) - 1)
    assert (own > others).float().mean() >= 0.75
