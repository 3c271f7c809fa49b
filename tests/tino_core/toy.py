"""A toy model whose optimum is known, and runs on it."""

import torch
from torch import Tensor, nn
from torch.nn import Conv2d

from elect_tino.tino_core import NoiseSchedule, Settings, optimise

ALPHAS = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0)
SCHEDULE = NoiseSchedule(ALPHAS)


class Toy(nn.Module):
    """A small model whose prediction depends on x and, smoothly, on t."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = Conv2d(4, 4, 3, padding=1)
        self.calls = 0

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        self.calls += 1
        return torch.tanh(self.conv(x)) * (1 + torch.sin(t / 300)).reshape(-1, 1, 1, 1)


def scene(num_images: int = 2):
    generator = torch.Generator().manual_seed(1)
    source, noise, goal = (torch.randn(num_images, 4, 6, 5, generator=generator) for _ in range(3))
    mask = torch.zeros(num_images, 1, 6, 5)
    mask[..., 1:5, 1:4] = 1

    def loss(x0: Tensor) -> Tensor:
        return ((x0 - goal) * mask).square().flatten(1).mean(1)

    return source, noise, mask, loss


def run(settings: Settings, model=None, num_images: int = 2, **given):
    source, noise, mask, loss = scene(num_images)
    model = model or Toy()
    return optimise(model, loss, SCHEDULE, source, mask, noise, settings, **given)


QUICK = Settings(num_steps=3, iterations=6, lr_noise=0.05)
