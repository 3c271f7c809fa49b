"""Every prediction type leads to the same finished latent, the one that Tweedie's formula gives.

Oracle: for a Gaussian prior N(mu, s^2) the best prediction of each type is known exactly.
"""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core.estimate import TWEEDIE, from_epsilon, from_flow, from_v, from_x0

MU, S = 0.7, 1.3
KINDS = sorted(TWEEDIE)


def noisy(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return 3 * torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def best_estimate(x: Tensor, sigma: Tensor, kind: str) -> Tensor:
    """Mean of x0 given x."""
    if kind == "flow":  # x = (1 - sigma) x0 + sigma eps
        signal = 1 - sigma
        gain = S**2 * signal / (S**2 * signal**2 + sigma**2)
        return MU + gain * (x - signal * MU)
    return (S**2 * x + sigma**2 * MU) / (S**2 + sigma**2)


def best_prediction(x: Tensor, sigma: Tensor, kind: str) -> Tensor:
    """What a perfect model of this kind predicts, from the mean of eps given x."""
    x0 = best_estimate(x, sigma, kind)
    if kind == "x0":
        return x0
    if kind == "flow":
        signal = 1 - sigma
        return sigma * (x - signal * MU) / (S**2 * signal**2 + sigma**2) - x0
    eps = sigma * (x - MU) / (S**2 + sigma**2)
    if kind == "epsilon":
        return eps
    alpha = 1 / (1 + sigma**2)
    return alpha.sqrt() * eps - (1 - alpha).sqrt() * x0


def test_forms_are_the_four_prediction_types():
    forms = {"epsilon": from_epsilon, "v_prediction": from_v, "flow": from_flow, "x0": from_x0}
    assert forms == TWEEDIE


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("epsilon", 5 - 0.75 * 3), ("v_prediction", 3.2 - 0.6 * 3), ("flow", 2.75), ("x0", 3.0)],
)
def test_closed_form_by_hand(kind, expected):
    x, prediction = torch.full((1, 1, 1, 1), 5.0), torch.full((1, 1, 1, 1), 3.0)
    assert_close(TWEEDIE[kind](x, torch.tensor(0.75), prediction), torch.full_like(x, expected))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", [0.01, 0.4, 0.95])
def test_a_perfect_model_gives_the_posterior_mean(kind, sigma):
    x, level = noisy(2, 4, 3, 5), torch.tensor(sigma, dtype=torch.float64)
    estimate = TWEEDIE[kind](x, level, best_prediction(x, level, kind))
    assert_close(estimate, best_estimate(x, level, kind))


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "x0"])
def test_a_perfect_model_gives_the_posterior_mean_at_high_noise(kind):
    x, level = 14.6 * noisy(2, 4, 3, 5), torch.tensor(14.6, dtype=torch.float64)
    estimate = TWEEDIE[kind](x, level, best_prediction(x, level, kind))
    assert_close(estimate, best_estimate(x, level, kind))


@pytest.mark.parametrize("alpha", [0.9, 0.3, 0.0047])
def test_epsilon_and_v_agree_with_the_papers_formula_in_z_and_alpha(alpha):
    z, eps, a = noisy(2, 4, 3, 3), noisy(2, 4, 3, 3).flip(0), torch.tensor(alpha).double()
    paper = (z - (1 - a).sqrt() * eps) / a.sqrt()
    x, sigma = z / a.sqrt(), ((1 - a) / a).sqrt()
    assert_close(from_epsilon(x, sigma, eps), paper)
    v = a.sqrt() * eps - (1 - a).sqrt() * paper
    assert_close(from_v(x, sigma, v), paper)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 4, 2, 5), (3, 16, 2, 4, 4)])
def test_a_noise_level_per_candidate_equals_each_candidate_alone(kind, shape):
    x, prediction = noisy(*shape), noisy(*shape).flip(0)
    sigmas = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    together = TWEEDIE[kind](x, sigmas, prediction)
    alone = [TWEEDIE[kind](x[i : i + 1], sigmas[i], prediction[i : i + 1]) for i in range(3)]
    assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", [torch.tensor(0.5), torch.full((2,), 0.5)])
def test_the_latents_dtype_is_kept(kind, dtype, sigma):
    x, prediction = noisy(2, 4, 3, 3), noisy(2, 4, 3, 3).flip(0)
    estimate = TWEEDIE[kind](x.to(dtype), sigma, prediction.to(dtype))
    assert estimate.dtype == dtype
    exact = TWEEDIE[kind](x, sigma.double(), prediction)
    assert_close(estimate.double(), exact, rtol=0.02, atol=0.05)


@pytest.mark.parametrize("sigma", [torch.tensor(4518.0), torch.full((2,), 4518.0)])
def test_v_survives_the_noise_level_of_zero_terminal_snr_in_float16(sigma):
    x, v = 4518 * noisy(2, 4, 3, 3), noisy(2, 4, 3, 3).flip(0)
    estimate = from_v(x.half(), sigma, v.half())
    assert_close(estimate.double(), from_v(x, sigma.double(), v), rtol=0.01, atol=0.01)


def test_a_noise_level_on_the_cpu_meets_latents_on_a_device():
    # The meta device stands in for a GPU: it too refuses tensors of the CPU, scalars aside.
    x = torch.empty(2, 4, 3, 3, device="meta")
    for form in (from_epsilon, from_v, from_flow):
        assert form(x, torch.tensor(0.5), x).device == x.device
