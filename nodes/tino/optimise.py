"""TiNOOptimize: edit a picture by optimising the noise and the timesteps (TiNO-Edit)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import comfy.sample
import torch
import torch.nn.functional as F
from comfy_api.latest import io
from torch import Tensor

from ...tino_core.losses import LossWeights
from ...tino_core.masks import check_mask
from ...tino_core.optimise import RESULTS, Optimised, Settings
from ..host.preview import IterationProgress
from ..host.tino.optimising import Edit, compute_dtype, run
from ..menu import MAX_SEED, TINO
from .latent_models import LatentClipType, LatentVggType
from .loss import Loss, read_texts, resized
from .loss_curve import loss_curve

_ALL = "all"


@dataclass(frozen=True)
class OptimisedNoise:
    """A NOISE that gives the noise that was found."""

    noise: Tensor
    seed: int

    def generate_noise(self, input_latent: dict) -> Tensor:
        """The noise for a latent of its own size."""
        given = tuple(input_latent["samples"].shape)
        if given != tuple(self.noise.shape):
            raise ValueError(
                f"noise: it was optimised for a latent of {tuple(self.noise.shape)}, got {given}."
            )
        return self.noise.clone()


def _source(model, source: dict) -> dict:
    samples = source["samples"]
    if samples.is_nested or samples.ndim != 4:
        raise ValueError(
            f"source: expected the latent of pictures (B, C, h, w), got {tuple(samples.shape)}."
        )
    channels = model.model.latent_format.latent_channels
    if samples.shape[1] != channels:
        raise ValueError(
            f"source: it has {samples.shape[1]} channels, the MODEL's latents have {channels}. "
            "Encode the picture with the VAE of this model."
        )
    if not samples.any():
        raise ValueError("source: the latent is empty. Encode the picture to edit (VAEEncode).")
    return source


def _start(start: dict | None, source: Tensor) -> dict | None:
    if start is not None and start["samples"].shape[1:] != source.shape[1:]:
        raise ValueError(
            f"start: expected the size of source, {tuple(source.shape[1:])}, got "
            f"{tuple(start['samples'].shape[1:])}. Encode the changed picture at the same size."
        )
    if start is None:
        return None
    return {"samples": start["samples"].expand(len(source), -1, -1, -1)}


def latent_mask(mask: Tensor | None, source: dict) -> Tensor:
    """The MASK at latent size, (B or 1, 1, h, w): a cell may change as much as any pixel in it.

    Without a mask, the LATENT's own noise_mask; without that, everything may change.
    """
    samples = source["samples"]
    height, width = samples.shape[-2:]
    if mask is None:
        mask = source.get("noise_mask")
    if mask is None:
        return torch.ones(1, 1, height, width)
    mask = check_mask(mask.reshape(-1, 1, *mask.shape[-2:]).float())
    ratio = mask.shape[-2] / height
    if len(mask) not in (1, len(samples)) or abs(mask.shape[-1] / width - ratio) > 0.1 * ratio:
        raise ValueError(
            f"mask: expected one mask, or one a picture ({len(samples)}), of the picture's shape "
            f"{width} by {height} cells, got {len(mask)} of {mask.shape[-1]}x{mask.shape[-2]}."
        )
    if ratio < 1:
        return F.interpolate(mask, size=(height, width), mode="nearest-exact")
    return F.adaptive_max_pool2d(mask, (height, width))


def _reference(model, reference: dict | None, source: Tensor) -> Tensor | None:
    if reference is None:
        return None
    samples = reference["samples"]
    if samples.ndim != 4 or samples.shape[1] != source.shape[1]:
        raise ValueError(
            f"reference: expected a latent of the MODEL's space with {source.shape[1]} channels, "
            f"got {tuple(samples.shape)}. Encode it with the VAE of this model."
        )
    if len(samples) not in (1, len(source)):
        raise ValueError(
            f"reference: expected 1 picture or {len(source)} as in source, got {len(samples)}."
        )
    if samples.shape[-2:] != source.shape[-2:]:
        logging.warning(
            "TiNO-Edit: reference has another size (%s) than source (%s): resized.",
            tuple(samples.shape[-2:]),
            tuple(source.shape[-2:]),
        )
        samples = resized(samples, source)
    return model.model.process_latent_in(samples)


def as_text(found: Optimised, last: float) -> str:
    """What was optimised: loss and timesteps (first step first) of each image."""
    lines = []
    for image, iteration in enumerate(found.chosen.tolist()):
        steps = ", ".join(f"{t:.1f}" for t in found.timesteps[image].flip(0).tolist())
        begin = ", ".join(f"{t:.1f}" for t in found.trajectory[0, image].flip(0).tolist())
        losses = found.losses[:, image]
        lines.append(
            f"image {image + 1}: iteration {iteration} of {len(losses) - 1}, loss "
            f"{float(losses[0]):.5f} -> {float(losses[iteration]):.5f}\n"
            f"timesteps of 0..{last:.0f}: {steps}\nat the start: {begin}"
        )
    if found.nan_at is not None:
        lines.append(
            f"The loss was no number at iteration {found.nan_at}: stopped there, the best result "
            "before it is given. Lower lr_noise, or load the model in float32 or bfloat16."
        )
    return "\n".join(lines)


def _sigmas(model, found: Optimised) -> Tensor:
    """The first image's noise levels as SIGMAS, ending in 0."""
    sampling = model.get_model_object("model_sampling")
    levels = sampling.sigma(found.timesteps[0].flip(0).cpu())
    return torch.cat([levels, levels.new_zeros(1)]).cpu()


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
            inputs=_inputs(),
            outputs=[
                io.Latent.Output(display_name="latent"),
                io.Noise.Output(display_name="noise"),
                io.String.Output(display_name="timesteps"),
                io.Image.Output(display_name="loss curve"),
                io.Sigmas.Output(display_name="sigmas"),
            ],
        )

    @classmethod
    def execute(
        cls,
        model,
        positive,
        source,
        cfg,
        num_steps,
        strength,
        iterations,
        seed,
        lr_timesteps,
        lr_noise,
        weight_decay,
        semantic_weight,
        perceptual_weight,
        reference_weight,
        source_prompt="",
        target_prompt="",
        negative=None,
        mask=None,
        latent_clip=None,
        latent_vgg=None,
        clip=None,
        source_text=None,
        target_text=None,
        reference=None,
        start=None,
        signed=False,
        gradient_steps=0,
        patience=0,
        result="best",
    ) -> io.NodeOutput:
        source = _source(model, source)
        samples = source["samples"]
        if cfg != 1 and negative is None:
            raise ValueError("negative: cfg other than 1 needs it. Connect one, or set cfg to 1.")
        loss = Loss(
            LossWeights(semantic_weight, perceptual_weight, reference_weight),
            latent_clip,
            latent_vgg,
            read_texts(clip, source_prompt, target_prompt, source_text, target_text)
            if iterations and semantic_weight
            else None,
            _reference(model, reference, samples),
            signed,
        )
        settings = Settings(
            num_steps=num_steps,
            strength=strength,
            iterations=iterations,
            lr_timesteps=lr_timesteps,
            lr_noise=lr_noise,
            weight_decay=weight_decay,
            gradient_steps=gradient_steps or None,
            patience=patience or None,
            keep_all=result == _ALL,
            result="best" if result == _ALL else result,
            scale_loss=compute_dtype(model) == torch.float16,
        )
        if iterations:
            loss.check(type(model.model.latent_format).__name__)
        edit = Edit(
            model,
            positive,
            negative,
            cfg,
            source,
            _start(start, samples),
            latent_mask(mask, source),
            comfy.sample.prepare_noise(samples, seed, source.get("batch_index")),
            loss if iterations else None,
            [patcher for one in loss.feature_models() for patcher in one.patchers],
            sum(one.memory(samples.shape) for one in loss.feature_models()),
        )
        progress = IterationProgress(model, iterations, cls.hidden.unique_id)
        latent, found = run(edit, settings, progress)
        if found.iterates is not None:
            latent = model.model.process_latent_out(found.iterates.flatten(0, 1))
        text = as_text(found, len(model.get_model_object("model_sampling").sigmas) - 1)
        logging.info("TiNO-Edit: %s", text)
        return io.NodeOutput(
            {"samples": latent},
            OptimisedNoise(found.noise.cpu(), seed),
            text,
            loss_curve(found.losses, found.chosen),
            _sigmas(model, found),
            ui={"text": (text,)},
        )


def _inputs() -> list[io.Input]:
    number = {"min": 0.0, "max": 100.0, "step": 0.01, "round": False}
    return [
        io.Model.Input("model", tooltip="SD 1.5, SD 2.1, SDXL or the embedded model."),
        io.Conditioning.Input("positive", tooltip="What the result shall show."),
        io.Latent.Input("source", tooltip="The picture to edit; a batch is edited side by side."),
        io.Float.Input(
            "cfg",
            default=1.0,
            min=0.0,
            max=100.0,
            step=0.1,
            tooltip="Guidance. 1 is the paper's and takes half the time; more needs negative.",
        ),
        io.Int.Input(
            "num_steps", default=10, min=1, max=100, tooltip="Denoising steps of each try (K)."
        ),
        io.Float.Input(
            "strength",
            default=0.75,
            min=0.01,
            max=1.0,
            step=0.01,
            tooltip="Share of the noise schedule to start from, above 0 to 1 (T).",
        ),
        io.Int.Input(
            "iterations",
            default=50,
            min=0,
            max=1000,
            tooltip="Updates of noise and timesteps (W); 0 is plain blended image to image.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=MAX_SEED,
            control_after_generate=True,
            tooltip="Of the noise that the optimisation begins with.",
        ),
        io.Float.Input(
            "lr_timesteps",
            default=1.0,
            tooltip="Step size for the timesteps, on their scale of 0 to 999; 0 keeps them.",
            **number,
        ),
        io.Float.Input(
            "lr_noise",
            default=0.005,
            tooltip="Step size for the noise; 0 keeps it.",
            **{**number, "step": 0.001},
        ),
        io.Float.Input(
            "weight_decay",
            default=0.0,
            tooltip="Of both optimisers. 0.01 (AdamW's own) also drags the timesteps down.",
            **{**number, "step": 0.001},
        ),
        io.Float.Input("semantic_weight", default=1.0, tooltip="Of the text's change.", **number),
        io.Float.Input(
            "perceptual_weight", default=0.5, tooltip="Of staying near the source.", **number
        ),
        io.Float.Input(
            "reference_weight", default=1.0, tooltip="Of likeness to the reference.", **number
        ),
        io.String.Input(
            "source_prompt", default="", optional=True, tooltip="What the picture shows now."
        ),
        io.String.Input(
            "target_prompt", default="", optional=True, tooltip="What it shall show; see positive."
        ),
        io.Conditioning.Input("negative", optional=True, tooltip="For cfg other than 1."),
        io.Mask.Input("mask", optional=True, tooltip="1 = edited; see TiNOMask. None: everything."),
        LatentClipType.Input("latent_clip", optional=True, tooltip="For text and reference edits."),
        LatentVggType.Input("latent_vgg", optional=True, tooltip="For the perceptual loss."),
        io.Clip.Input("clip", optional=True, tooltip="Reads source_prompt and target_prompt."),
        io.Conditioning.Input(
            "source_text", optional=True, tooltip="In place of source_prompt; with target_text."
        ),
        io.Conditioning.Input("target_text", optional=True, tooltip="In place of target_prompt."),
        io.Latent.Input("reference", optional=True, tooltip="What the result shall resemble."),
        io.Latent.Input(
            "start", optional=True, tooltip="The picture with strokes or pasted parts, encoded."
        ),
        io.Boolean.Input(
            "signed",
            default=False,
            optional=True,
            tooltip="The semantic loss as printed in the paper (Eq. 4), without absolute value.",
        ),
        io.Int.Input(
            "gradient_steps",
            default=0,
            min=0,
            max=100,
            optional=True,
            tooltip="Gradients through the last so many steps only; 0 is all. Saves time.",
        ),
        io.Int.Input(
            "patience",
            default=0,
            min=0,
            max=1000,
            optional=True,
            tooltip="End after so many iterations without a better loss; 0 is never.",
        ),
        io.Combo.Input(
            "result",
            options=[*RESULTS, _ALL],
            default="best",
            optional=True,
            tooltip="best: lowest loss. last: the last iteration. all: every iteration as a batch.",
        ),
    ]


NODES: list[type[io.ComfyNode]] = [TiNOOptimize]
