"""TiNO-Edit's Algorithm 1 inside a guider, so that ComfyUI loads, conditions and cleans up."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import comfy.model_management
import comfy.patcher_extension
import comfy.samplers
import torch
from torch import Tensor, nn

from ....tino_core.denoise import Predict, denoise, initial_timesteps
from ....tino_core.guard import Guard
from ....tino_core.inversion import invert
from ....tino_core.optimise import OnIteration, optimise
from ....tino_core.record import Optimised
from ....tino_core.settings import Settings
from ....tino_core.tries import Election, elect_noise
from ..device_memory import clear_failed_call, out_of_memory, told_alike
from .checked import refuse_unchecked
from .continuous import Scale, scale_of
from .edit import Edit
from .frames import framed, has_frames, on_pictures, unframed
from .gradients import normal, refuse_quantised, with_gradients
from .memory import Memory
from .single_cond import SOURCE, shown_by
from .tries import side_by_side, tries_that_fit


@dataclass(frozen=True)
class Watch:
    """Who is told: of each try's number, of the guard before the first update, of iterations.

    stopped: asked after each try and iteration; True ends the run with the best so far
    """

    on_iteration: OnIteration = lambda *_: None
    on_try: Callable[[int], object] = lambda _: None
    on_guard: Callable[[Guard], object] = lambda _: None
    stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Found:
    """optimised: the updates; guard: None without a loss; election: None without further noises

    stopped: a user ended it early
    """

    optimised: Optimised
    guard: Guard | None
    election: Election | None
    stopped: bool = False


def run(edit: Edit, settings: Settings, watch: Watch) -> tuple[Tensor, Found]:
    """Elect a noise, optimise.  Returns the result (B, C, h, w) in LATENT scale, and the rest.

    Raises ValueError when the model gives no gradients or the memory will not do.
    """
    model = edit.model.clone()
    sampling = model.get_model_object("model_sampling")
    scale = scale_of(sampling)
    if _through_model(settings):
        refuse_unchecked(model.model.diffusion_model)
        refuse_quantised(model.model, "model")
    conds = {"positive": edit.positive, "negative": edit.negative, SOURCE: edit.invert}
    conds = {name: entries for name, entries in conds.items() if entries is not None}
    if any("hooks" in entry[1] for entries in conds.values() for entry in entries):
        raise ValueError(
            "positive: it carries hooks that change the model's weights between calls, which "
            "gradients do not survive. Apply the LoRA to the MODEL instead."
        )
    model.add_object_patch("model_sampling", scale.continuous())
    model.set_additional_models("tino", list(edit.patchers))
    # A user's fast attention (Sage and the like) has no gradients: `with_gradients` sets its own.
    model.model_options["transformer_options"].pop("optimized_attention_override", None)
    sampler = _Optimiser(
        edit,
        scale,
        replace(settings, prediction=scale.prediction),
        watch,
        Memory(model, edit, settings.iterations > 0, settings.through_model),
    )
    comfy.patcher_extension.add_wrapper_with_key(
        comfy.patcher_extension.WrappersMP.PREPARE_SAMPLING,
        "tino",
        sampler.memory.prepare,
        model.model_options,
        is_model_options=True,
    )
    guider = comfy.samplers.CFGGuider(model)
    guider.inner_set_conds(conds)
    guider.set_cfg(edit.cfg)
    schedule = scale.schedule(torch.device("cpu"))
    first = scale.sigma(initial_timesteps(settings, schedule, 1)[0, -1:])
    sigmas = torch.cat([first, torch.zeros_like(first)])
    # The sampler blends by itself; inpainting models read the mask as a condition.
    samples = guider.sample(
        edit.noise,
        edit.latent["samples"],
        sampler,
        sigmas,
        denoise_mask=edit.mask.unsqueeze(2) if edit.noise.ndim == 5 else edit.mask,
        disable_pbar=True,
        seed=0,
    )
    assert sampler.found is not None
    return samples.cpu(), sampler.found


def _through_model(settings: Settings) -> bool:
    """Whether gradients pass through the model, not through the loss alone or nothing at all."""
    return settings.iterations > 0 and settings.through_model


class _Optimiser(comfy.samplers.Sampler):
    """Runs Algorithm 1 where other samplers take their steps."""

    def __init__(self, edit: Edit, scale: Scale, settings: Settings, watch: Watch, memory: Memory):
        self.edit, self.scale, self.settings, self.watch = edit, scale, settings, watch
        self.memory = memory
        self.found: Found | None = None

    def sample(
        self,
        model_wrap,
        sigmas,
        extra_args,
        callback,
        noise,
        latent_image=None,
        denoise_mask=None,
        disable_pbar=False,
    ):
        assert latent_image is not None
        self.memory.check()
        base = model_wrap.inner_model
        start = self.edit.start
        start = None if start is None else base.process_latent_in(start["samples"].to(latent_image))
        noises = torch.stack([unframed(one.to(noise)) for one in (noise, *self.edit.more_noises)])
        start = None if start is None else unframed(start)
        given = (unframed(latent_image), self.edit.mask.to(latent_image), start, noises)
        modules = [patcher.model for patcher in model_wrap.loaded_models]
        if _through_model(self.settings):
            modules += [base, *_control_modules(model_wrap.conds)]
        with with_gradients(modules, self.memory.blocks):
            model_wrap.conds = normal(model_wrap.conds)
            latents = [None if one is None else one.float() for one in normal(given)]
            if self.edit.invert is not None:
                latents[3] = self._inverted(model_wrap, extra_args, *latents)  # type: ignore
            self.found = self._edited(self._predict(model_wrap, extra_args), *latents)
        return framed(base.latent_format, self.found.optimised.latent)

    def _predict(self, ask: Callable[..., Tensor], extra_args: dict) -> Predict:
        """The guided prediction, which a user's Cancel ends."""
        form = self.edit.model.model.latent_format
        asked = on_pictures(ask) if has_frames(form) else ask

        def predict(x: Tensor, t: Tensor) -> Tensor:
            comfy.model_management.throw_exception_if_processing_interrupted()
            return self.scale.ask(asked, x, t, extra_args)

        return predict

    def _edited(self, predict: Predict, source, mask, start, noises) -> Found:
        """Election, guard and updates, all in the model's scale."""
        settings, watch = self.settings, self.watch
        schedule = self.scale.schedule(source.device)
        with torch.no_grad():
            loss = self.edit.loss(source) if self.edit.loss is not None else None
        election = None
        if loss is not None and len(noises) > 1:
            election = self._elected(predict, loss, source, mask, start, noises)
        guards: list[Guard] = []

        def told(iteration: int, value: Tensor, x0: Tensor) -> bool | None:
            if iteration == 0 and loss is not None:
                guards.append(Guard(loss.terms(source), loss.terms(x0)))
                watch.on_guard(guards[0])
            return watch.on_iteration(iteration, value, x0) or watch.stopped()

        optimised = optimise(
            predict,
            loss or _no_loss,
            schedule,
            source,
            mask,
            noises[0] if election is None else election.noise,
            settings,
            start=start,
            on_iteration=told,
        )
        return Found(optimised, guards[0] if guards else None, election, watch.stopped())

    def _inverted(self, guider, extra_args: dict, source, mask, start, noises: Tensor) -> Tensor:
        """The noises with that of what is noised in the first one's place."""
        schedule = self.scale.schedule(source.device)
        t = initial_timesteps(self.settings, schedule, len(source)).to(source)
        begin = source if start is None else start
        predict = self._predict(shown_by(guider, SOURCE), extra_args)
        found = invert(predict, schedule, self.settings, begin, mask, t)
        return torch.cat([found[None], noises[1:]])

    def _elected(self, predict: Predict, loss, source, mask, start, noises: Tensor) -> Election:
        """The first noise of each image whose result the loss likes best."""
        settings, watch = self.settings, self.watch
        schedule = self.scale.schedule(source.device)
        t = initial_timesteps(settings, schedule, len(source)).to(source)
        begin, masks = source if start is None else start, mask.expand(len(source), -1, -1, -1)

        def denoised(noise: Tensor, repeat: Callable[[Tensor], Tensor]) -> Tensor:
            each = (repeat(begin), repeat(source), repeat(masks), noise, repeat(t))
            return denoise(predict, schedule, settings, *each)

        def tried(number: int) -> bool:
            watch.on_try(number)
            return watch.stopped()

        passes = 2 if self.edit.negative is not None and self.edit.cfg != 1 else 1
        fit = tries_that_fit(self.edit.model, tuple(noises.shape[1:]), passes, len(noises))
        values = told_alike()(side_by_side(denoised, loss))
        return elect_noise(values, noises, tried, fit, out_of_memory(), clear_failed_call)


def _no_loss(x0: Tensor) -> Tensor:
    return x0.new_zeros(len(x0))


def _control_modules(conds: dict[str, list[dict]]) -> list[nn.Module]:
    """Networks of the conditions' ControlNets, also those that ComfyUI makes on the fly."""
    found = []
    for entry in (entry for entries in conds.values() for entry in entries):
        control = entry.get("control")
        while control is not None:
            network = getattr(control, "control_model", None)
            found += [network] if isinstance(network, nn.Module) else []
            control = control.previous_controlnet
    return found
