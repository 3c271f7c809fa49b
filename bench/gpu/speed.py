"""Candidates a second, by batch, against one by one and against ComfyUI's own node in a loop."""

from __future__ import annotations

import torch
from comfy_extras.nodes_custom_sampler import Noise_RandomNoise, SamplerCustomAdvanced

from ..clock import in_model, seconds
from .elections import Rows, recorded
from .scenes import STOP, Scene, Size

BATCHES = (2, 4, 8, 16)
NUMBER = 16


@torch.inference_mode()
def by_stock_node(scene: Scene, number: int) -> None:
    """The same steps of as many seeds through SamplerCustomAdvanced."""
    run = scene.run()
    for seed in range(number):
        noise = Noise_RandomNoise(seed)
        sigmas = run.sigmas[: STOP + 1]
        SamplerCustomAdvanced.execute(noise, run.guider, run.sampler, sigmas, scene.latent)


def timed(scene: Scene, batch: int) -> tuple[float, float]:
    """Seconds of 16 candidates, and which share of them is not the model's."""
    with in_model(scene.model) as inside:
        took = seconds(lambda: recorded(scene, NUMBER, batch))
        return took, 1 - inside() / took


def speed(size: Size) -> Rows:
    """16 candidates to 40 % of 20 steps, three conditions each."""
    scene = Scene(size)
    recorded(scene, 2, 1)  # loads, and warms up
    by_stock_node(scene, 1)
    alone, share = timed(scene, 1)
    loop = seconds(lambda: by_stock_node(scene, NUMBER))
    yield "one by one", f"{NUMBER / alone:.2f} candidates a second, {share:.1%} outside the model"
    yield "a loop over SamplerCustomAdvanced", f"{loop / alone:.2f} times the time of one by one"
    for batch in BATCHES:
        recorded(scene, batch, batch)
        took, share = timed(scene, batch)
        rate = f"{NUMBER / took:.2f} candidates a second, {alone / took:.2f} times one by one"
        yield f"{batch} a batch", f"{rate}, {share:.1%} outside the model"
