"""TiNOOptimize's ways to move the noise, in the real ComfyUI."""

import re

import pytest
import torch
from torch.testing import assert_close

from ..conftest import random_model

pytestmark = pytest.mark.comfy
STILL = {"lr_timesteps": 0.0, "perceptual_weight": 0.0}


def said_length(text):
    """The mean length of an update as the text output says it."""
    found = re.search(
        r"moved the noise by ([\d.e-]+) \(L2, mean\); its own length is ([\d.]+)", text
    )
    assert found is not None
    return float(found[1]), float(found[2])


@pytest.mark.parametrize("optimiser", ["clipped gradient (ReNO)", "normalised gradient"])
def test_gradients_are_cut_or_brought_to_their_norm(optimize, optimiser):
    run = optimize(
        optimiser=optimiser, lr_noise=5.0, gradient_norm=0.01, iterations=1, result="last", **STILL
    )
    length, own = said_length(run.text)
    first_step = 5.0 * 0.01 * 1.9
    if optimiser == "normalised gradient":
        assert length == pytest.approx(first_step, rel=0.01)
    assert 0 < length <= first_step * 1.01
    assert own == pytest.approx(float(run.noise.noise.norm()), rel=0.01)


def test_a_longest_step_bounds_every_optimiser(optimize):
    for optimiser in ("AdamW", "clipped gradient (ReNO)", "normalised gradient"):
        run = optimize(optimiser=optimiser, lr_noise=5.0, longest_step=0.25, iterations=2, **STILL)
        assert said_length(run.text)[0] <= 0.2501


def test_white_noise_keeps_the_energies_of_the_first_spectrum(optimize, world):
    def energies(**given):
        noise = optimize(
            mask=torch.ones(1, 80, 64), lr_noise=0.5, result="last", **{"iterations": 2, **given}
        )
        return noise.noise.noise.flatten(2).norm(dim=2)

    first = energies(iterations=0)
    assert_close(energies(white_noise=True, **STILL), first, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(energies(**STILL), first, rtol=1e-2)


def test_least_gain_ends_a_run_earlier_and_needs_patience(optimize):
    def count(**given):
        return int(re.findall(r"iteration \d+ of (\d+)", optimize(**given).text)[0])

    given = {"iterations": 6, "patience": 2, "lr_noise": 0.05, **STILL}
    assert count(least_gain=0.9, **given) < count(**given)
    with pytest.raises(ValueError, match="least_gain: .* patience is 0"):
        optimize(least_gain=0.1)


def test_through_the_loss_only_a_quantised_model_is_only_called(optimize):
    with torch.inference_mode():
        model = random_model()
        layer = model.model.diffusion_model.out[2]
        layer.weight = torch.nn.Parameter((layer.weight * 99).to(torch.int8), requires_grad=False)
    seen = []

    def dequantising(x):
        seen.append((torch.is_grad_enabled(), x.requires_grad))
        weight = layer.weight.to(x.dtype) / 99
        return torch.nn.functional.conv2d(x, weight, layer.bias, padding=1)

    layer.forward = dequantising
    wanted = torch.randn(1, 4, 10, 8, generator=torch.Generator().manual_seed(9))
    given = {"reference": {"samples": wanted}, "source_text": None, "target_text": None}
    run = optimize(
        model=model, optimiser="through the loss only (FlowOpt)", lr_noise=3.0, **given, **STILL
    )
    assert seen == [(False, False)] * (5 * 3)  # W + 1 runs of K steps, no way back
    losses = re.findall(r"loss ([\d.]+) -> ([\d.]+)", run.text)[0]
    assert float(losses[1]) < float(losses[0])
    with pytest.raises(ValueError, match="quantised .*through the loss only"):
        optimize(model=model)


def test_renos_preset_sets_its_steps(optimize, world):
    from elect_tino.nodes.tino.inputs import Given
    from elect_tino.nodes.tino.optimise import _settings
    from elect_tino.nodes.tino.presets import with_presets

    settings = _settings(with_presets(Given(model=world.model, preset="ReNO's steps")))
    assert (settings.clip, settings.lr_noise, settings.normalise) == (0.1, 5.0, False)
    paper = with_presets(Given(preset="paper", optimiser="normalised gradient"))
    assert paper.optimiser == "AdamW"
