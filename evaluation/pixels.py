"""Columns from pixels alone, as the published evaluations define them.

PIE-Bench's of the unedited part: both pictures are multiplied by 1 - mask, and the *whole* frame is
averaged, so that MSE and PSNR depend on how large the mask is; a mask that covers everything gives
no number. MagicBrush's L1 and L2: the result is brought to the target's size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray
from PIL import Image

from .sample import Sample

NOTHING = math.nan


def fitted(picture: ndarray, like: ndarray) -> ndarray:
    """The picture at the size of another."""
    height, width = like.shape[:2]
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def unedited(sample: Sample, result: ndarray) -> tuple[ndarray, ndarray] | None:
    """Source and result in [0, 1], black where the picture may change."""
    if sample.mask is None or sample.mask.all():
        return None
    keep = ~sample.mask[..., None]
    return sample.source / 255 * keep, fitted(result, sample.source) / 255 * keep


def mse(sample: Sample, result: ndarray) -> float:
    """x 10^4, of the unedited part; lower is better."""
    pair = unedited(sample, result)
    return NOTHING if pair is None else float(np.square(pair[0] - pair[1]).mean()) * 1e4


def psnr(sample: Sample, result: ndarray) -> float:
    """dB, of the unedited part; higher is better, infinite where nothing changed."""
    pair = unedited(sample, result)
    if pair is None:
        return NOTHING
    error = float(np.square(pair[0] - pair[1]).mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim(sample: Sample, result: ndarray) -> float:
    """x 10^2, of the unedited part (Gaussian window of 1.5 pixels); higher is better.

    The mean leaves out the five outermost pixels, where the window stands out of the picture, as
    scikit-image does, and torchmetrics did when PIE-Bench's numbers were made (until 2024).
    """
    from skimage.metrics import structural_similarity

    pair = unedited(sample, result)
    if pair is None:
        return NOTHING
    form = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    found: Any = structural_similarity(*pair, data_range=1.0, channel_axis=2, **form)
    return 100 * float(found)


def l1(sample: Sample, result: ndarray) -> float:
    """Mean absolute difference to the target, in [0, 1]; lower is better."""
    if sample.target is None:
        return NOTHING
    return float(np.abs(fitted(result, sample.target) / 255 - sample.target / 255).mean())


def l2(sample: Sample, result: ndarray) -> float:
    """Mean squared difference to the target, in [0, 1]; lower is better."""
    if sample.target is None:
        return NOTHING
    return float(np.square(fitted(result, sample.target) / 255 - sample.target / 255).mean())


COLUMNS: dict[str, Callable[[Sample, ndarray], float]] = {
    "PSNR": psnr,
    "MSE x10^4": mse,
    "SSIM x10^2": ssim,
    "L1": l1,
    "L2": l2,
}
