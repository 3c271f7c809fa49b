"""Samples edits with the training modules: Euler and both guidances, for grids and reports."""

from __future__ import annotations

import torch
from torch import Tensor

from .text import token_ids
from .train_unet import Editor, alphas_cumprod


def normal_sigmas(num_steps: int) -> Tensor:
    """ComfyUI's "normal" schedule of this model: num_steps + 1 noise levels, the last one 0."""
    alphas = alphas_cumprod()
    log_sigmas = ((1 - alphas) / alphas).sqrt().log()
    t = torch.linspace(999, 0, num_steps)
    low = t.floor().long()
    weight = t.frac()
    levels = (1 - weight) * log_sigmas[low] + weight * log_sigmas[t.ceil().long()]
    return torch.cat([levels.exp(), torch.zeros(1)])


def timestep(sigma: Tensor) -> Tensor:
    """The trained timestep nearest to a noise level, as ComfyUI picks it."""
    alphas = alphas_cumprod()
    log_sigmas = ((1 - alphas) / alphas).sqrt().log()
    return (log_sigmas - sigma.clamp(min=1e-4).log()).abs().argmin()


@torch.inference_mode()
def denoise(
    editor: Editor, x: Tensor, sigma: Tensor, source: Tensor, tokens: Tensor,
    cfg_text: float, cfg_image: float,
) -> Tensor:  # fmt: skip
    """Guided estimate u + cfg_image (i - u) + cfg_text (t - i), (N, C, h, w).

    x and the estimate are normalised latents, source is a stored latent.
    """
    n = len(x)
    known, unknown = editor.normalise(source), editor.normalise(torch.zeros_like(source))
    nothing = torch.tensor(token_ids("")).expand(n, -1)
    scale = (sigma**2 + 1).sqrt()
    v = editor(
        (x / scale).repeat(3, 1, 1, 1),
        torch.cat([known, known, unknown]),
        timestep(sigma).expand(3 * n),
        torch.cat([tokens, nothing, nothing]),
    )
    with_text, with_image, bare = v.chunk(3)
    guided = bare + cfg_image * (with_image - bare) + cfg_text * (with_text - with_image)
    return x / scale**2 - guided * sigma / scale


def sample_latents(
    editor: Editor, source: Tensor, tokens: Tensor, seeds: list[int],
    cfg_text: float = 3.0, cfg_image: float = 1.5, num_steps: int = 20,
) -> Tensor:  # fmt: skip
    """Edits of the stored source latents (N, C, h, w), one seed each, by Euler; stored latents."""
    shape = source.shape[1:]
    noise = torch.stack(
        [torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds]
    )
    sigmas = normal_sigmas(num_steps)
    x = noise * (1 + sigmas[0] ** 2).sqrt()
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(editor, x, sigma, source, tokens, cfg_text, cfg_image)
        x = x + (x - denoised) / sigma * (following - sigma)
    return editor.restore(x)
