"""In a process of its own: four candidates on a full-size InstructPix2Pix, and what memory it took.

python -m elect_tino.tests.nodes.edit_models.full_size_run FILE WEIGHT_DTYPE
"""

import json
import sys
import threading
from pathlib import Path

import psutil
import torch
from comfy.cli_args import args

args.cpu = not torch.cuda.is_available()

PIXELS, NUM_CANDIDATES, NUM_STEPS = 256, 4, 4
GB = 2**30


class PeakMemory(threading.Thread):
    """Highest resident memory of this process while it runs, in bytes."""

    def __enter__(self):
        self.process, self.over = psutil.Process(), threading.Event()
        self.before = self.peak = self.process.memory_info().rss
        self.start()
        return self

    def run(self) -> None:
        while not self.over.wait(0.02):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        self.join()


@torch.inference_mode()
def measure(path: Path, weight_dtype: str) -> dict[str, float | bool]:
    """GB of memory, found and predicted, while loading and while sampling; whether all is finite.

    Predicted while loading: the mapped file and the model. While sampling: ComfyUI's own estimate
    for all candidates and the three conditions in one batch, beside the model.
    """
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG

    from elect_tino.nodes.edit_models.loader import DTYPES
    from elect_tino.nodes.elect.partial import MultiSeedPartialSampler
    from elect_tino.nodes.elect.resume import ResumeDenoise
    from elect_tino.nodes.host.edit_models.unets import load_file

    with PeakMemory() as loading:
        model = load_file(path, path.name, DTYPES[weight_dtype])
    shape = (1, 4, PIXELS // 8, PIXELS // 8)
    weights = model.model_size()
    estimate = model.model.memory_required((3 * NUM_CANDIDATES, *shape[1:]))
    source = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    text, empty = (
        [[torch.randn(1, 77, 768, generator=torch.Generator().manual_seed(s)), {}]] for s in (1, 2)
    )
    shown = [[[words, {**e, "concat_latent_image": source}]] for ((words, e),) in (text, empty)]
    guider = Guider_DualCFG(model)
    guider.set_conds(*shown, empty)
    guider.set_cfg(7.5, 1.5)
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", NUM_STEPS)
    sampler = comfy.samplers.sampler_object("euler_ancestral")
    latent = {"samples": torch.zeros(shape)}
    with PeakMemory() as running:
        candidates = MultiSeedPartialSampler.execute(
            guider, sampler, sigmas, latent, 0, NUM_CANDIDATES, 0.5, 0.25, NUM_CANDIDATES
        ).args[0]
        finished = ResumeDenoise.execute(candidates.rows([1])).args[0]["samples"]
    return {
        "parameters": sum(p.numel() for p in model.model.diffusion_model.parameters()),
        "model": weights / GB,
        "loading": (loading.peak - loading.before) / GB,
        "loading predicted": (path.stat().st_size + weights) / GB,
        "sampling": (running.peak - running.before) / GB,
        "sampling predicted": estimate / GB,
        "peak": max(loading.peak, running.peak) / GB,
        "finite": bool(candidates.estimates().isfinite().all() and finished.isfinite().all()),
        "spread": float(candidates.estimates().std(0).mean()),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2])))
