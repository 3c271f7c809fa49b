"""The two shipped samplers are Euler's; each candidate's noise is its seed's own.

Oracle: from a Gaussian prior N(mu, s^2) the probability-flow ODE has a closed solution.
"""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from elect_tino.elect_core.sampler import SeededNoise, euler, euler_ancestral, to_d

MU, S = 0.7, 1.3


def perfect(x: Tensor, sigma: Tensor) -> Tensor:
    return (S**2 * x + sigma**2 * MU) / (S**2 + sigma**2)


def start(num_candidates: int = 2) -> Tensor:
    return 10 * SeededNoise(range(num_candidates), (4, 6, 6), torch.zeros(1).double())()


def test_derivative_by_hand():
    x, denoised = torch.tensor([5.0]), torch.tensor([1.0])
    assert_close(to_d(x, torch.tensor(2.0), denoised), torch.tensor([2.0]))


def test_euler_by_hand():
    # d = (6 - 3) / 3 = 1, x = 5; d = (5 - 2.5) / 2 = 1.25, x = 2.5
    result = euler(lambda x, _: x / 2, torch.tensor([[6.0]]), torch.tensor([3.0, 2.0, 0.0]))
    assert_close(result, torch.tensor([[2.5]]))


def test_euler_converges_to_the_exact_solution():
    x = start()
    exact = MU + (x - MU) * S / (S**2 + 10**2) ** 0.5
    errors = []
    for num_steps in (100, 1000):
        sigmas = torch.linspace(10**0.5, 0, num_steps + 1, dtype=torch.float64) ** 2
        errors.append(float((euler(perfect, x, sigmas) - exact).abs().max()))
    assert errors[1] < 1e-2
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.2)  # first order


def test_ancestral_by_hand():
    # From 2 to 1: up = sqrt(1 * 3 / 4), down = sqrt(1 - 3 / 4) = 1/2; noise 1.
    # d = (6 - 3) / 2, x = 6 + 1.5 * (0.5 - 2) + sqrt(3) / 2; then to 0, which is the estimate.
    sigmas, calls = torch.tensor([2.0, 1.0, 0.0]), []

    def noise(sigma: Tensor, sigma_next: Tensor) -> Tensor:
        calls.append((float(sigma), float(sigma_next)))
        return torch.ones(1, 1)

    result = euler_ancestral(lambda x, _: x / 2, torch.tensor([[6.0]]), sigmas, noise)
    assert_close(result, torch.tensor([[(3.75 + 3**0.5 / 2) / 2]]))
    assert calls == [(2.0, 1.0)]  # none for the last step


def test_ancestral_steps_keep_the_priors_distribution():
    sigmas = torch.linspace(10**0.5, 0, 101, dtype=torch.float64) ** 2
    noise = SeededNoise([5], (4, 40, 40), torch.zeros(1).double())
    result = euler_ancestral(perfect, MU + (10**2 + S**2) ** 0.5 * noise(), sigmas, noise)
    assert float(result.mean()) == pytest.approx(MU, abs=0.05)
    assert float(result.std()) == pytest.approx(S, rel=0.05)


def test_ancestral_without_noise_says_so():
    with pytest.raises(ValueError, match="noise_sampler: euler_ancestral needs one"):
        euler_ancestral(perfect, start(), torch.tensor([1.0, 0.0]))


def test_a_seeds_noise_does_not_depend_on_the_others():
    together = SeededNoise([7, 3, 9], (4, 5), torch.zeros(1))
    alone = SeededNoise([9], (4, 5), torch.zeros(1))
    for _ in range(3):
        assert_close(together()[2:], alone(), rtol=0, atol=0)


def test_noise_goes_on_from_draw_to_draw_and_is_the_generators():
    noise = SeededNoise([11], (4, 5), torch.zeros(1))
    generator = torch.Generator().manual_seed(11)
    for _ in range(2):
        assert_close(noise()[0], torch.randn(4, 5, generator=generator), rtol=0, atol=0)


def test_noise_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    SeededNoise([1, 2], (4, 5), torch.zeros(1))()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_samplers_and_noise_keep_the_dtype(dtype):
    noise = SeededNoise([1, 2], (4, 5, 5), torch.zeros(1, dtype=dtype))
    sigmas = torch.linspace(3, 0, 5)
    assert euler(perfect, noise(), sigmas).dtype == dtype
    assert euler_ancestral(perfect, noise(), sigmas, noise).dtype == dtype


class _Copies(TorchDispatchMode):
    """Whether each copy between devices lets the host go on."""

    def __init__(self):
        super().__init__()
        self.non_blocking: list[bool] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._to_copy.default:
            self.non_blocking.append(bool((kwargs or {}).get("non_blocking")))
        return func(*args, **(kwargs or {}))


def test_noise_goes_to_the_gpu_without_waiting_for_it():
    with FakeTensorMode():  # tensors without values, on a GPU that need not be there
        like = torch.zeros(1, device="cuda", dtype=torch.float16)
        with _Copies() as copies:
            noise = SeededNoise([1, 2], (4, 5), like)()
    assert noise.device.type == "cuda"
    assert copies.non_blocking == [True]
