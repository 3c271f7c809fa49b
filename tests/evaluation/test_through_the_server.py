"""PIE-Bench's and MagicBrush's forms through the real server, each column computed twice."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation import world
from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.ledger import Ledger
from elect_tino.evaluation.sample import Sample

from ..batch.greys import INVERT
from . import references

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server
NUMBER = 2


def run(server: "ComfyServer", weights: Path, folder: Path, data: str) -> dict[str, dict]:
    """Invert every picture of a data set; what the ledger then holds of that, by sample."""
    note = {"class_type": "PreviewAny", "inputs": {"source": "{instruction}"}}
    (folder / "invert.json").write_text(json.dumps({**INVERT, "4": note}))
    told = ["run", data, "--server", server.url, "--weights", str(weights), "--page", "0"]
    told += ["--method", f"inverse={folder / 'invert.json'}", "--out", str(folder / "out")]
    assert main(told) == 0
    records = Ledger(folder / "out" / "ledger.jsonl").records
    return {sample: values for (sample, name), values in records.items() if name == "inverse"}


def made(folder: Path, name: str) -> np.ndarray:
    """The picture that the server made, looked at by the test itself."""
    with Image.open(folder / "out" / "runs" / "inverse" / f"{name}.png") as image:
        return np.array(image.convert("RGB"))


def framed(mask: np.ndarray) -> np.ndarray:
    """PIE-Bench's evaluation counts the outermost pixels as edited."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = True
    return mask | ~inner


def save_pie(folder: Path, samples: list[Sample]) -> Path:
    (folder / "pie" / "annotation_images").mkdir(parents=True)
    index = {}
    for number, one in enumerate(samples):
        Image.fromarray(one.source).save(folder / "pie" / "annotation_images" / f"{number}.png")
        assert one.mask is not None
        inside = np.flatnonzero(one.mask).tolist()
        index[f"{number:012}"] = {
            "image_path": f"{number}.png",
            "original_prompt": one.source_caption,
            "editing_prompt": f"[{one.target_caption}]",
            "editing_instruction": one.instruction,
            "editing_type_id": "1",
            "blended_word": "",
            "mask": [number for place in inside for number in (place, 1)],
        }
    (folder / "pie" / "mapping_file.json").write_text(json.dumps(index))
    return folder / "pie"


def test_every_column_of_pie_bench(server: "ComfyServer", weights: Path, tmp_path: Path):
    from skimage import metrics

    samples = list(world.read(NUMBER))
    found = run(server, weights, tmp_path, f"pie:{save_pie(tmp_path, samples)}")
    for number, one in enumerate(samples):
        result, own = made(tmp_path, f"{number:012}"), found[f"{number:012}"]
        assert np.abs(255.0 - one.source - result).max() <= 1  # what the workflow does
        assert one.mask is not None
        mask = framed(one.mask)
        a, b = (picture / 255 * (1 - mask[..., None]) for picture in (one.source, result))
        alike = metrics.structural_similarity(
            a, b, data_range=1, channel_axis=2, gaussian_weights=True, use_sample_covariance=False
        )
        whole, words = references.clip_vectors(
            weights / "clip-vit-large-patch14", one.target_caption, result, result * mask[..., None]
        )
        cosines = [100 * max(references.cosine(each[None], words), 0) for each in whole]
        expected = {
            "PSNR": metrics.peak_signal_noise_ratio(a, b, data_range=1),
            "MSE x10^4": 1e4 * metrics.mean_squared_error(a, b),
            "SSIM x10^2": 100 * alike,
            "structure x10^3": references.structure(weights / "dino-vitb8", one.source, result),
            "LPIPS x10^3": references.lpips(weights / LPIPS, one.source, result, mask),
            "CLIP whole": cosines[0],
            "CLIP edited": cosines[1],
        }
        for name, value in expected.items():
            assert own[name] == pytest.approx(value, rel=2e-3, abs=1e-3), name
        assert math.isnan(own["L1"])  # PIE-Bench has no wanted picture


LPIPS = "squeezenet1_1-b8a52dc0.pth"


def save_magicbrush(folder: Path, samples: list[Sample]) -> Path:
    captions, turns = {}, {}
    for number, one in enumerate(samples):
        pictures = folder / "brush" / "images" / str(number)
        pictures.mkdir(parents=True)
        assert one.target is not None
        Image.fromarray(one.source).save(pictures / "in.png")
        Image.fromarray(one.target).save(pictures / "out.png")
        told = {"input": "in.png", "mask": "none.png", "output": "out.png"}
        turns[str(number)] = [{**told, "instruction": one.instruction}]
        captions[str(number)] = {"out.png": one.target_caption}
    (folder / "brush" / "edit_turns.json").write_text(json.dumps(turns))
    (folder / "brush" / "local_captions.json").write_text(json.dumps(captions))
    return folder / "brush"


def test_every_column_of_magicbrush(server: "ComfyServer", weights: Path, tmp_path: Path):
    samples = list(world.read(NUMBER))
    found = run(server, weights, tmp_path, f"magicbrush:{save_magicbrush(tmp_path, samples)}")
    for number, one in enumerate(samples):
        result, own = made(tmp_path, f"{number}_inde_1"), found[f"{number}_inde_1"]
        assert one.target is not None
        apart = result / 255 - one.target / 255
        pictures, words = references.clip_vectors(
            weights / "clip-vit-base-patch32", one.target_caption, result, one.target, one.source
        )
        expected = {
            "L1": np.abs(apart).mean(),
            "L2": np.square(apart).mean(),
            "CLIP-I": references.cosine(pictures[0], pictures[1]),
            "CLIP-I source": references.cosine(pictures[0], pictures[2]),
            "CLIP-T": references.cosine(pictures[:1], words),
            "DINO": references.dino(weights / "dino-vits16", result, one.target),
            "DINO source": references.dino(weights / "dino-vits16", result, one.source),
        }
        for name, value in expected.items():
            assert own[name] == pytest.approx(value, abs=1e-4), name
        assert math.isnan(own["MSE x10^4"])  # this session tells no mask
