"""TiNO-Edit's Algorithm 1 inside a guider, so that ComfyUI loads, conditions and cleans up."""

import comfy.model_management
import comfy.patcher_extension
import comfy.samplers
import torch
from torch import Tensor, nn

from ....tino_core.denoise import Predict
from ....tino_core.optimise import OnIteration, optimise
from ....tino_core.record import Optimised
from ....tino_core.schedule import NoiseSchedule
from ....tino_core.settings import Settings
from .continuous import continuous, require_discrete, sigma_at
from .edit import Edit
from .gradients import normal, refuse_quantised, with_gradients
from .memory import Memory


def run(edit: Edit, settings: Settings, on_iteration: OnIteration) -> tuple[Tensor, Optimised]:
    """Optimise.  Returns the result (B, C, h, w) in LATENT scale, and all that was found.

    Raises ValueError when the model gives no gradients or the memory will not do.
    """
    model = edit.model.clone()
    sampling = model.get_model_object("model_sampling")
    require_discrete(sampling)
    refuse_quantised(model.model, "model")
    if any("hooks" in entry[1] for entry in (*edit.positive, *(edit.negative or ()))):
        raise ValueError(
            "positive: it carries hooks that change the model's weights between calls, which "
            "gradients do not survive. Apply the LoRA to the MODEL instead."
        )
    model.add_object_patch("model_sampling", continuous(sampling))
    model.set_additional_models("tino", list(edit.patchers))
    # A user's fast attention (Sage and the like) has no gradients: `with_gradients` sets its own.
    model.model_options["transformer_options"].pop("optimized_attention_override", None)
    sampler = _Optimiser(edit, settings, on_iteration, Memory(model, edit))
    comfy.patcher_extension.add_wrapper_with_key(
        comfy.patcher_extension.WrappersMP.PREPARE_SAMPLING,
        "tino",
        sampler.memory.prepare,
        model.model_options,
        is_model_options=True,
    )
    guider = comfy.samplers.CFGGuider(model)
    guider.inner_set_conds({"positive": edit.positive})
    if edit.negative is not None:
        guider.inner_set_conds({"negative": edit.negative})
    guider.set_cfg(edit.cfg)
    first = sampling.sigma(torch.tensor(settings.strength * (len(sampling.sigmas) - 1)))
    sigmas = torch.stack([first, torch.zeros_like(first)])
    # The sampler blends by itself; inpainting models read the mask as a condition.
    samples = guider.sample(
        edit.noise,
        edit.latent["samples"],
        sampler,
        sigmas,
        denoise_mask=edit.mask,
        disable_pbar=True,
        seed=0,
    )
    assert sampler.found is not None
    return samples.cpu(), sampler.found


class _Optimiser(comfy.samplers.Sampler):
    """Runs Algorithm 1 where other samplers take their steps."""

    def __init__(self, edit: Edit, settings: Settings, on_iteration, memory: Memory):
        self.edit, self.settings, self.on_iteration = edit, settings, on_iteration
        self.memory = memory
        self.found: Optimised | None = None

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
        if start is not None:
            start = base.process_latent_in(start["samples"].to(latent_image))
        mask = self.edit.mask.to(latent_image)
        modules = [base, *(patcher.model for patcher in model_wrap.loaded_models)]
        modules += _control_modules(model_wrap.conds)
        with with_gradients(modules, self.memory.blocks):
            model_wrap.conds = normal(model_wrap.conds)
            source, noise, mask, start = normal((latent_image, noise, mask, start))
            with torch.no_grad():
                build = self.edit.loss
                loss = build(source.float()) if build is not None else _no_loss
            log_sigmas = normal(base.model_sampling.log_sigmas.to(source.device))
            self.found = optimise(
                _predict(model_wrap, log_sigmas, extra_args),
                loss,
                NoiseSchedule(torch.sigmoid(-2 * log_sigmas.double())),
                source.float(),
                mask.float(),
                noise.float(),
                self.settings,
                start=None if start is None else start.float(),
                on_iteration=self.on_iteration,
            )
        return self.found.latent


def _no_loss(x0: Tensor) -> Tensor:
    return x0.new_zeros(len(x0))


def _predict(guider, log_sigmas: Tensor, extra_args: dict) -> Predict:
    """The guided noise prediction on the variance-preserving scale, at fractional timesteps."""

    def predict(x: Tensor, t: Tensor) -> Tensor:
        comfy.model_management.throw_exception_if_processing_interrupted()
        sigma = sigma_at(log_sigmas, t)
        level = sigma.detach()[:, None, None, None]
        x = x * (1 + level**2).sqrt()
        return (x - guider(x, sigma, **extra_args)) / level

    return predict


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
