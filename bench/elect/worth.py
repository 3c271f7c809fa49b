"""What a finished picture is worth by the ground truth."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import torch
from skimage.filters import threshold_otsu
from skimage.metrics import structural_similarity

from ...embedded.world.samples import Sample
from ...embedded.world.success import Judge

METRICS = ("mse", "psnr", "ssim", "lpips", "success", "no_edit")
_NO_EDIT = 0.25


@cache
def _lpips():
    """LPIPS (AlexNet), or None: its backbone's weights are used where present, never fetched."""
    backbone = Path(torch.hub.get_dir()) / "checkpoints" / "alexnet-owt-7be5be79.pth"
    if importlib.util.find_spec("lpips") is None or not backbone.exists():
        return None
    lpips = importlib.import_module("lpips")
    return lpips.LPIPS(net="alex", verbose=False).eval()


def _perceptual(picture: np.ndarray, source: np.ndarray, outside: np.ndarray) -> float:
    """LPIPS x1e3 of the background: the edited region is the source's in both; NaN if absent."""
    network = _lpips()
    if network is None:
        return float("nan")
    pasted = np.where(outside[..., None], picture, source)
    pair = [torch.from_numpy(p).movedim(-1, 0)[None].float() * 2 - 1 for p in (pasted, source)]
    return float(network(*pair)) * 1e3


def judge_pictures(edit: Sample, pictures: np.ndarray, source: np.ndarray) -> np.ndarray:
    """METRICS of each picture (N, H, W, 3), (N, METRICS).

    source (H, W, 3): the decoded encoding of the source picture, so that the VAE's own loss
    counts for nobody. mse is x1e4, lpips x1e3; these, psnr and ssim are taken outside the true
    mask. no_edit: the change inside it is under a quarter of what the true edit makes.
    """
    outside, inside = edit.mask == 0, edit.mask > 0
    judge = Judge(edit)
    needed = np.abs(edit.target - edit.source)[inside].mean()
    rows = []
    for picture in pictures:
        mse = float(np.square(picture - source)[outside].mean())
        ssim = structural_similarity(picture, source, channel_axis=2, data_range=1.0, full=True)[1]
        change = np.abs(picture - source)[inside].mean()
        rows.append(
            (
                mse * 1e4,
                10 * np.log10(1 / max(mse, 1e-10)),
                float(ssim[outside].mean()),
                _perceptual(picture, source, outside),
                float(judge.succeeded(picture)),
                float(change < _NO_EDIT * needed),
            )
        )
    return np.array(rows)


def paste_back(pictures: np.ndarray, source: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The pictures (N, H, W, 3) with the source where the mask (H, W), split by Otsu, is low."""
    inside = mask > threshold_otsu(mask) if mask.min() < mask.max() else mask > 0
    return np.where(inside[..., None], pictures, source)
