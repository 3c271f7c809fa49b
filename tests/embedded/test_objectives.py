"""The two objectives noise, predict and denoise as ComfyUI's model samplings do."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.embedded.model.objectives import RECTIFIED_FLOW, V_PREDICTION, alphas_cumprod

BOTH = pytest.mark.parametrize("objective", [V_PREDICTION, RECTIFIED_FLOW], ids=["v", "flow"])
MEAN, STD = 0.7, 0.5


def latents(count=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return MEAN + STD * torch.randn(count, 4, 2, 2, generator=generator)


def sigma_of(objective, t):
    """The noise level of a timestep."""
    if objective is RECTIFIED_FLOW:
        return t / 1000
    alpha = alphas_cumprod()[t]
    return ((1 - alpha) / alpha).sqrt()


@BOTH
def test_a_true_prediction_denoises_to_the_clean_latents(objective):
    clean = latents(20)
    noised = objective.noised(clean, torch.Generator().manual_seed(1))
    for k, sigma in enumerate(sigma_of(objective, noised.t)):
        scale = 1.0 if objective is RECTIFIED_FLOW else (sigma**2 + 1).sqrt()
        x = noised.x[k] * scale
        assert_close(objective.model_input(x, sigma), noised.x[k])
        assert_close(objective.timestep(sigma), noised.t[k])
        estimate = objective.denoised(noised.wanted[k], x, sigma)
        assert_close(estimate, clean[k], rtol=1e-3, atol=2e-3)


def gaussian_denoiser(objective, x, sigma):
    """Tweedie's estimate where clean latents are N(MEAN, STD^2)."""
    signal = 1 - sigma if objective is RECTIFIED_FLOW else torch.ones(())
    gain = signal * STD**2 / (signal**2 * STD**2 + sigma**2)
    return MEAN + gain * (x - signal * MEAN)


@BOTH
def test_euler_with_the_exact_denoiser_draws_the_gaussian(objective):
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(2))
    sigmas = objective.sigmas(400)
    x = objective.start(noise, sigmas[0])
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        x = x + (x - gaussian_denoiser(objective, x, sigma)) / sigma * (following - sigma)
    assert float(x.mean()) == pytest.approx(MEAN, abs=0.03)
    assert float(x.std()) == pytest.approx(STD, abs=0.03)


def test_flow_noise_levels_are_spread_evenly_up_to_pure_noise():
    t = RECTIFIED_FLOW.noised(latents(4000), torch.Generator().manual_seed(3)).t
    assert (t > 0).all()
    shares = torch.histc(t, 4, 0, 1000) / len(t)
    assert_close(shares, torch.full((4,), 0.25), atol=0.03, rtol=0)


@pytest.mark.comfy
def test_flow_is_comfyuis():
    import comfy.model_sampling
    import comfy.samplers

    class Sampling(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST):
        pass

    theirs, sigma = Sampling(), torch.tensor(0.3)
    x, predicted = latents(3, 4), latents(3, 5)
    assert_close(RECTIFIED_FLOW.denoised(predicted, x, sigma), theirs.calculate_denoised(
        sigma.view(1), predicted, x))  # fmt: skip
    assert_close(RECTIFIED_FLOW.timestep(sigma), theirs.timestep(sigma))
    simple = comfy.samplers.calculate_sigmas(theirs, "simple", 20)
    assert_close(RECTIFIED_FLOW.sigmas(20), simple)


@pytest.mark.comfy
def test_v_denoises_as_comfyui():
    import comfy.model_sampling

    class Sampling(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.V_PREDICTION):
        pass

    theirs, sigma = Sampling(), torch.tensor(1.7)
    x, predicted = latents(3, 4), latents(3, 5)
    expected = theirs.calculate_denoised(sigma.view(1), predicted, x)
    assert_close(V_PREDICTION.denoised(predicted, x, sigma), expected)
    assert_close(V_PREDICTION.model_input(x, sigma), theirs.calculate_input(sigma.view(1), x))
