"""Samples edits with the training modules: Euler and both guidances, for grids and reports."""

from __future__ import annotations

import torch
from torch import Tensor

from ..model.text import token_ids
from .editor import Editor


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
    nothing = torch.tensor(token_ids("")).to(tokens).expand(n, -1)
    predicted = editor(
        editor.objective.model_input(x, sigma).repeat(3, 1, 1, 1),
        torch.cat([known, known, unknown]),
        editor.objective.timestep(sigma).expand(3 * n),
        torch.cat([tokens, nothing, nothing]),
    )
    with_text, with_image, bare = predicted.chunk(3)
    guided = bare + cfg_image * (with_image - bare) + cfg_text * (with_text - with_image)
    return editor.objective.denoised(guided, x, sigma)


def sample_latents(
    editor: Editor, source: Tensor, tokens: Tensor, seeds: list[int],
    cfg_text: float = 3.0, cfg_image: float = 1.5, num_steps: int = 20,
) -> Tensor:  # fmt: skip
    """Edits of the stored source latents (N, C, h, w), one seed each, by Euler; stored latents."""
    shape = source.shape[1:]
    noise = torch.stack(
        [torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds]
    )
    sigmas = editor.objective.sigmas(num_steps)
    x = editor.objective.start(noise, sigmas[0])
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(editor, x, sigma, source, tokens, cfg_text, cfg_image)
        x = x + (x - denoised) / sigma * (following - sigma)
    return editor.restore(x)
