"""TiNOOptimize: edit a picture by optimising the noise and the timesteps (TiNO-Edit)."""

from __future__ import annotations

import logging

import comfy.sample
import torch
from comfy_api.latest import io

from ...tino_core.losses import LossWeights
from ...tino_core.settings import Settings
from ..host.preview import IterationProgress
from ..host.tino.edit import Edit
from ..host.tino.memory import compute_dtype
from ..host.tino.optimising import run
from ..menu import TINO
from .found import OptimisedNoise, as_sigmas, as_text
from .inputs import ALL, Given, optimise_inputs
from .latents import check_source, check_start, latent_mask, reference_latent
from .loss import Loss
from .loss_curve import loss_curve
from .texts import read_texts


def _loss(given: Given) -> Loss | None:
    """The loss of what is connected; None where no update is made."""
    if not given.iterations:
        return None
    texts = None
    if given.semantic_weight:
        prompts = (given.source_prompt, given.target_prompt)
        texts = read_texts(given.clip, *prompts, given.source_text, given.target_text)
    loss = Loss(
        LossWeights(given.semantic_weight, given.perceptual_weight, given.reference_weight),
        given.latent_clip,
        given.latent_vgg,
        texts,
        reference_latent(given.model, given.reference, given.source["samples"]),
        given.signed,
    )
    loss.check(type(given.model.model.latent_format).__name__)
    return loss


def _settings(given: Given) -> Settings:
    return Settings(
        num_steps=given.num_steps,
        strength=given.strength,
        iterations=given.iterations,
        lr_timesteps=given.lr_timesteps,
        lr_noise=given.lr_noise,
        weight_decay=given.weight_decay,
        gradient_steps=given.gradient_steps or None,
        patience=given.patience or None,
        keep_all=given.result == ALL,
        result="best" if given.result == ALL else given.result,
        scale_loss=compute_dtype(given.model) == torch.float16,
    )


def _edit(given: Given) -> Edit:
    source = check_source(given.model, given.source)
    if given.cfg != 1 and given.negative is None:
        raise ValueError("negative: cfg other than 1 needs it. Connect one, or set cfg to 1.")
    samples = source["samples"]
    return Edit(
        given.model,
        given.positive,
        given.negative,
        given.cfg,
        source,
        check_start(given.start, samples),
        latent_mask(given.mask, source),
        comfy.sample.prepare_noise(samples, given.seed, source.get("batch_index")),
        _loss(given),
    )


class TiNOOptimize(io.ComfyNode):
    """Algorithm 1 of TiNO-Edit on any MODEL with Stable Diffusion's noise schedule."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TiNOOptimize",
            display_name="TiNO Optimize",
            category=TINO,
            description="Edits a picture by gradient descent on the input noise and on every "
            "timestep, towards a text, a reference picture, strokes or a composition. For SD 1.5, "
            "SD 2.1 and SDXL.",
            hidden=[io.Hidden.unique_id],
            inputs=optimise_inputs(),
            outputs=[
                io.Latent.Output(display_name="latent"),
                io.Noise.Output(display_name="noise"),
                io.String.Output(display_name="timesteps"),
                io.Image.Output(display_name="loss curve"),
                io.Sigmas.Output(display_name="sigmas"),
            ],
        )

    @classmethod
    def execute(cls, **inputs) -> io.NodeOutput:
        given = Given(**inputs)
        model, settings = given.model, _settings(given)
        progress = IterationProgress(model, given.iterations, cls.hidden.unique_id)
        latent, found = run(_edit(given), settings, progress)
        if found.iterates is not None:
            latent = model.model.process_latent_out(found.iterates.flatten(0, 1))
        text = as_text(found, len(model.get_model_object("model_sampling").sigmas) - 1)
        logging.info("TiNO-Edit: %s", text)
        return io.NodeOutput(
            {"samples": latent},
            OptimisedNoise(found.noise.cpu(), given.seed),
            text,
            loss_curve(found.losses, found.chosen),
            as_sigmas(model, found),
            ui={"text": (text,)},
        )


NODES: list[type[io.ComfyNode]] = [TiNOOptimize]
