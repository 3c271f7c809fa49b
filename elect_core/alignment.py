"""Global shifts: some models move the whole picture by a pixel or two, which swamps the score."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def _spectrum(latent: Tensor) -> Tensor:
    """Two-dimensional spectrum under a Hann window, which hides that the edges do not meet."""
    height, width = latent.shape[-2:]
    window = torch.outer(
        torch.hann_window(height, periodic=False, device=latent.device),
        torch.hann_window(width, periodic=False, device=latent.device),
    )
    return torch.fft.fft2(latent.float() * window)


def _waves(size: int, shifts: Tensor) -> Tensor:
    """Phases that a shift (in cells) gives each frequency, (shifts, size)."""
    frequencies = torch.fft.fftfreq(size, device=shifts.device)
    return torch.exp(2j * math.pi * shifts[:, None] * frequencies)


def global_shift(source: Tensor, estimates: Tensor, limit: float, per_cell: int) -> Tensor:
    """How far each estimate as a whole lies off the source, by phase correlation.

    The peak of the normalised cross-power spectrum (Kuglin and Hines, 1975), summed over the
    channels first and sought on a grid of fractions of a cell (as the upsampled transform of
    Guizar-Sicairos et al., 2008) within the limit alone.

    source (1, C, h, w), estimates (N, C, h, w): in the same space and scale
    limit: the largest shift looked for, in cells; per_cell: grid points a cell
    Returns (N, 2): cells down and to the right, 0 where the estimate lies on the source, is NaN,
    or has nothing in it to go by.
    """
    points = round(limit * per_cell)
    shifts = torch.arange(-points, points + 1, device=source.device) / per_cell
    down, right = (_waves(size, shifts) for size in source.shape[-2:])
    spectrum = _spectrum(source.flatten(1, -3)).conj()  # frames move together

    def correlation(estimate: Tensor) -> Tensor:
        cross = (_spectrum(estimate.flatten(1, -3)) * spectrum).sum(1)
        cross = cross / cross.abs().clamp_min(torch.finfo(torch.float32).tiny)
        return (down @ cross @ right.mT).real

    # One by one: the decoded frames of a video's candidates are too many for spectra of all.
    height, at = torch.cat([correlation(one) for one in estimates.split(1)]).flatten(1).max(1)
    found = torch.stack([shifts[at // len(shifts)], shifts[at % len(shifts)]], 1)
    return torch.where(height[:, None] > 0, found, torch.zeros_like(found))


def undo_shift(estimates: Tensor, shifts: Tensor) -> Tensor:
    """The estimates moved back onto the source; what was never seen repeats the edge.

    estimates (N, C, h, w); shifts (N, 2) from `global_shift`.  Returns (N, C, h, w), bicubic;
    an estimate that lies on the source comes back as it is.
    """
    pairs = zip(estimates.float().split(1), shifts.split(1), strict=True)
    return torch.cat([_moved(one, shift) for one, shift in pairs])


def _moved(estimate: Tensor, shift: Tensor) -> Tensor:
    flat = estimate.flatten(1, -3)
    height, width = flat.shape[-2:]
    move = torch.eye(2, 3, device=flat.device)[None]
    move[:, 0, 2], move[:, 1, 2] = 2 * shift[:, 1] / width, 2 * shift[:, 0] / height
    grid = F.affine_grid(move, list(flat.shape), align_corners=False)
    moved = F.grid_sample(flat, grid, "bicubic", "border", align_corners=False)
    return torch.where((shift == 0).all(), estimate, moved.reshape(estimate.shape))


def common_view(tensor: Tensor, shifts: Tensor) -> Tensor:
    """The part of a picture that every shifted estimate shows: the largest shift cut all around.

    tensor (..., h, w); shifts (N, 2), in its cells.  Returns (..., h', w').
    """
    rim = math.ceil(float(shifts.abs().max()))
    height, width = tensor.shape[-2:]
    return tensor[..., rim : height - rim, rim : width - rim]
