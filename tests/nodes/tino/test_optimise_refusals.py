"""Every input that cannot be is refused by its name."""

from typing import Any

import pytest
import torch

from ..conftest import random_model

NUM_REFUSALS = 21  # counted apart: the table itself needs ComfyUI, which is imported late


def refusals() -> dict[str, tuple[Any, str]]:
    """Inputs to change -> the message that names them."""
    from comfy.model_sampling import EDM, ModelSamplingContinuousEDM

    from elect_tino.nodes.tino.latent_models import FeatureModel

    def edm(world):
        class Continuous(ModelSamplingContinuousEDM, EDM):
            pass

        model = world.model.clone()
        model.add_object_patch("model_sampling", Continuous(world.model.model.model_config))
        return {"model": model}

    def quantised(world):
        with torch.inference_mode():
            model = random_model()
            layer = model.model.diffusion_model.out[2]
            layer.weight = torch.nn.Parameter(layer.weight.to(torch.int8), requires_grad=False)
        return {"model": model}

    def other_space(world):
        wrong = FeatureModel("x.safetensors", "SDXL", world.latent_clip.patchers, None)
        return {"latent_clip": wrong}

    texts = {"source_text": None, "target_text": None}
    return {
        "EDM model": (edm, "model: expected one that predicts noise or v"),
        "quantised": (quantised, "model: its weights are quantised .* int8"),
        "other space": (other_space, "x.safetensors: it was trained on latents of SDXL"),
        "no LatentCLIP": ({"latent_clip": None}, "latent_clip: .*docs/latent_models.md.*PixelCLIP"),
        "nothing to optimise": (
            {"latent_clip": None, **texts},
            "latent_clip: there is nothing to optimise",
        ),
        "weights all 0": ({"semantic_weight": 0.0}, "there is nothing to optimise"),
        "one text only": ({"source_text": None}, "source_text: the semantic loss compares two"),
        "prompt without clip": (
            {**texts, "source_prompt": "a cat", "target_prompt": "a dog"},
            "clip: connect the CLIP",
        ),
        "one prompt only": ({**texts, "source_prompt": "a cat"}, "target_prompt: it is empty"),
        "no pooled feature": (
            {"source_text": [[torch.zeros(1, 7, 16), {}]]},
            "source_text: this conditioning carries no pooled",
        ),
        "equal texts": (
            lambda world: {"target_text": world.texts["source_text"]},
            "target_prompt: it says the same",
        ),
        "aiming with texts of no known space": (
            {"text_loss": "towards the target"},
            "text_loss: towards the target compares .* source_text and target_text do not say",
        ),
        "empty mask": ({"mask": torch.zeros(1, 80, 64)}, "mask: it is empty"),
        "mask beyond 1": ({"mask": torch.full((1, 80, 64), 2.0)}, "mask: expected values from 0"),
        "mask of another shape": ({"mask": torch.ones(1, 64, 128)}, "mask: expected one mask"),
        "empty source": (
            {"source": {"samples": torch.zeros(1, 4, 10, 8)}},
            "source: the latent is empty",
        ),
        "source of another model": (
            {"source": {"samples": torch.ones(1, 16, 10, 8)}},
            "source: it has 16 channels",
        ),
        "start of another size": (
            {"start": {"samples": torch.ones(1, 4, 8, 8)}},
            "start: expected the size",
        ),
        "num_steps": ({"num_steps": 0}, "num_steps: expected 1 or more, got 0"),
        "strength": ({"strength": 1.5}, "strength: expected above 0 and up to 1, got 1.5"),
        "iterations": ({"iterations": -1}, "iterations: expected 0 or more, got -1"),
    }


@pytest.mark.parametrize("case", range(NUM_REFUSALS))
def test_bad_input_is_refused_by_name(case, optimize, world):
    given, message = list(refusals().values())[case]
    with torch.inference_mode():
        changes: Any = given(world) if callable(given) else given
    with pytest.raises(ValueError, match=message):
        optimize(**changes)


def test_every_refusal_is_tried():
    assert len(refusals()) == NUM_REFUSALS
