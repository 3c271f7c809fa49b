"""TiNOOptimize: edit a picture by optimising the noise and the timesteps (TiNO-Edit)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import comfy.sample
import torch
from comfy_api.latest import io

from ...tino_core.guard import Guard
from ...tino_core.losses import PAPER, LossWeights
from ...tino_core.settings import Settings
from ..host.tino.continuous import Scale, scale_of
from ..host.tino.edit import Edit
from ..host.tino.frames import framed
from ..host.tino.memory import compute_dtype
from ..host.tino.optimising import Watch, run
from ..host.tino.stopping import add_route, stoppable
from ..inputs import inputs, takes_records
from ..menu import MAX_SEED, TINO
from .beginnings import first_timesteps, source_shown
from .found import OptimisedNoise, as_sigmas, as_text, warning
from .inputs import Given
from .latents import check_source, check_start, latent_mask, reference_latent
from .loss import Loss, Smoothing
from .loss_curve import loss_curve
from .optimisers import OPTIMISERS
from .paper_inputs import ALL
from .presets import with_presets
from .progress import IterationProgress
from .rewards import read_rewards
from .text_spaces import AUTOMATIC, choose_text_loss, reason_for_paper
from .texts import Texts, read_texts


def _loss(given: Given) -> Loss | None:
    """The loss of what is connected; None where nothing is compared."""
    if not given.iterations and given.tries == 1:
        return None
    texts = None
    if given.semantic_weight:
        prompts = (given.source_prompt, given.target_prompt)
        conds = (given.source_text, given.target_text)
        aimed = None if given.text_loss == PAPER else given.latent_clip
        texts = read_texts(given.clip, *prompts, *conds, aimed)
    text_loss, why = _text_loss(given, texts)
    loss = Loss(
        LossWeights(given.semantic_weight, given.perceptual_weight, given.reference_weight),
        given.latent_clip,
        given.latent_vgg,
        texts,
        reference_latent(given.model, given.reference, given.source["samples"]),
        given.signed,
        text_loss,
        Smoothing(given.smoothing, seed=given.seed),
        read_rewards(given.reward),
        why,
    )
    loss.check(type(given.model.model.latent_format).__name__)
    return loss


def _text_loss(given: Given, texts: Texts | None) -> tuple[str, str]:
    """The text loss to use, and why where the node chose the paper's; without texts any will do."""
    if texts is None:
        return PAPER, ""
    pictures = None if given.latent_clip is None else given.latent_clip.text_space
    reason = reason_for_paper(texts.space, texts.why, pictures)
    said = f"text_loss: {PAPER}, since {reason}." if reason and given.text_loss == AUTOMATIC else ""
    return choose_text_loss(given.text_loss, reason), said


def _settings(given: Given) -> Settings:
    if given.least_gain and not given.patience:
        raise ValueError(
            "least_gain: it says what counts as better, but patience is 0, so that no run ends "
            "early. Set patience, 3 for example."
        )
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
        keep_norm=given.keep_norm,
        white=given.white_noise,
        longest_step=given.longest_step or None,
        least_gain=given.least_gain,
        **OPTIMISERS[given.optimiser](given.gradient_norm),
        scale_loss=compute_dtype(given.model) == torch.float16,
        timesteps=None if given.sigmas is None else first_timesteps(given.sigmas, _scale(given)),
    )


def _scale(given: Given) -> Scale:
    return scale_of(given.model.get_model_object("model_sampling"))


def _edit(given: Given, loss: Loss | None) -> Edit:
    source = given.source
    if given.cfg != 1 and given.negative is None:
        raise ValueError("negative: cfg other than 1 needs it. Connect one, or set cfg to 1.")
    samples = source["samples"]
    seeds = [(given.seed + number) % (MAX_SEED + 1) for number in range(given.tries)]
    rows = source.get("batch_index")
    noises = [comfy.sample.prepare_noise(samples, seed, rows) for seed in seeds]
    return Edit(
        given.model,
        given.positive,
        given.negative,
        given.cfg,
        source,
        check_start(given.start, samples),
        latent_mask(given.mask, source),
        noises[0],
        loss,
        noises[1:],
        source_shown(given),
    )


def _watch(progress: IterationProgress, stopped: Callable[[], bool]) -> Watch:
    """Tells the node how far the run is, and whether its loss asks for an edit at all."""

    def on_guard(guard: Guard) -> None:
        progress.note = warning(guard)
        if progress.note:
            logging.warning("TiNO-Edit: %s", progress.note)

    return Watch(progress, progress.on_try, on_guard, stopped)


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
            "SD 2.1, SDXL and flow models.",
            hidden=[io.Hidden.unique_id],
            inputs=inputs(Given),
            outputs=[
                io.Latent.Output(display_name="latent"),
                io.Noise.Output(display_name="noise"),
                io.String.Output(display_name="timesteps"),
                io.Image.Output(display_name="loss curve"),
                io.Sigmas.Output(display_name="sigmas"),
            ],
        )

    @classmethod
    @takes_records()
    def execute(cls, given: Given) -> io.NodeOutput:
        given = with_presets(given)
        model, settings = given.model, _settings(given)
        given = replace(given, source=check_source(model, given.source))
        loss, node = _loss(given), cls.hidden.unique_id
        edit = _edit(given, loss)
        source = model.model.process_latent_in(edit.latent["samples"])
        progress = IterationProgress(
            model, source, given.iterations, node, settings.result == "last"
        )
        with stoppable(node or "") as stopped:
            latent, everything = run(edit, settings, _watch(progress, stopped))
        progress.finish(everything.optimised.latent)
        found, scale, form = everything.optimised, _scale(given), model.model.latent_format
        if found.iterates is not None:
            latent = model.model.process_latent_out(framed(form, found.iterates.flatten(0, 1)))
        text = as_text(everything, scale.schedule(found.noise.device).last)
        text = f"{text}\n{loss.why}" if loss is not None and loss.why else text
        logging.info("TiNO-Edit: %s", text)
        return io.NodeOutput(
            {"samples": latent},
            OptimisedNoise(framed(form, found.noise.cpu()), given.seed),
            text,
            loss_curve(everything),
            as_sigmas(scale, found),
            ui={"text": (text,)},
        )


add_route()
NODES: list[type[io.ComfyNode]] = [TiNOOptimize]
