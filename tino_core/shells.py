"""Where noise may move: on its shell, or with the spectrum of white noise. (B, C, h, w) each."""

import torch
from torch import Tensor

_BAND = 4  # frequencies that share an energy, along each axis


def with_norm(noise: Tensor, first: Tensor, mask: Tensor) -> Tensor:
    """Noise scaled inside the mask (B or 1, 1, h, w) to the norm that another has there.

    Noise is near its shell of radius sqrt(its size), the only place where a model knows it.
    """
    inside = (mask > 0).expand_as(noise)
    now, before = (one.where(inside, 0).flatten(1).norm(dim=1) for one in (noise, first))
    scale = (before / now.clamp(min=1e-12)).reshape(-1, 1, 1, 1)
    return noise.where(~inside, noise * scale)


def with_spectrum(noise: Tensor, first: Tensor, mask: Tensor) -> Tensor:
    """Noise whose energy in each band of each channel's spectrum is that of another: white noise's.

    Structure that an optimiser writes into noise shows as bands with too much energy
    (arXiv 2602.08646, which projects onto white noise by norms of blocks of the spectrum).
    Deviates from it: the energies are those of the first noise, so that nothing jumps before an
    update, and the blocks' l1 norms are free.  The spectrum is that of the mask's bounding box;
    outside the mask (B or 1, 1, h, w) nothing changes.
    """
    masks = (mask > 0).expand(len(noise), -1, -1, -1)
    pairs = zip(noise, first, masks, strict=True)
    return torch.stack([_image_with_spectrum(*one) for one in pairs])


def _image_with_spectrum(noise: Tensor, first: Tensor, inside: Tensor) -> Tensor:
    """One image's, (C, h, w); inside (1, h, w)."""
    rows, columns = (inside[0].any(1 - axis).nonzero().flatten() for axis in (0, 1))
    box = (..., slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    spectrum, before = (torch.fft.fft2(one[box].float()) for one in (noise, first))
    band = _bands(*spectrum.shape[-2:]).to(noise.device)
    now, wanted = (
        one.abs().square().flatten(1) @ torch.nn.functional.one_hot(band.flatten()).to(one.abs())
        for one in (spectrum, before)
    )
    scale = (wanted / now.clamp(min=1e-12)).sqrt()[:, band]
    moved = noise.clone()
    moved[box] = torch.fft.ifft2(spectrum * scale).real.to(noise)
    return moved.where(inside, noise)


def _bands(height: int, width: int) -> Tensor:
    """The band of each frequency, (h, w); a frequency and its negative share one."""
    vertical, horizontal = (
        torch.minimum(torch.arange(side), side - torch.arange(side)) // _BAND
        for side in (height, width)
    )
    return vertical[:, None] * (int(horizontal.max()) + 1) + horizontal
