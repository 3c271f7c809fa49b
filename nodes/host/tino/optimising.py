"""TiNO-Edit's Algorithm 1 inside a guider, so that ComfyUI loads, conditions and cleans up."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import comfy.model_management
import comfy.patcher_extension
import comfy.sample
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ....tino_core.optimise import OnIteration, Optimised, Predict, Settings, optimise
from ....tino_core.schedule import NoiseSchedule
from .continuous import continuous, require_discrete, sigma_at
from .gradients import normal, refuse_quantised, with_gradients

BuildLoss = Callable[[Tensor], Callable[[Tensor], Tensor]]
"""``source latent (B, C, h, w) -> loss``, called once when every model is on its device."""

# Counted on SD 1.5, SD 2.1 and SDXL at 512 and 1024 pixels: 0.085 to 0.197, and 0.019 to 0.025 of
# which the largest block is half. The rest is for what the way back itself needs.
_MB_KEPT = 0.22
_MB_KEPT_WITHOUT_BLOCKS = 0.04


@dataclass(frozen=True)
class Edit:
    """What Algorithm 1 is run on.

    model: MODEL; positive, negative: CONDITIONING, the latter only for cfg other than 1
    latent: LATENT with the source; start: LATENT noised in its place, or None
    mask (B or 1, 1, h, w): 1 = edited; noise (B, C, h, w): the first N
    build_loss: None where no update is made, so that none is needed
    feature_models: patchers of what it calls, loaded beside the model; feature_memory: bytes that
    their gradients keep
    """

    model: ModelPatcher
    positive: list
    negative: list | None
    cfg: float
    latent: dict
    start: dict | None
    mask: Tensor
    noise: Tensor
    build_loss: BuildLoss | None
    feature_models: Sequence[ModelPatcher]
    feature_memory: float = 0.0


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
    model.set_additional_models("tino", list(edit.feature_models))
    # A user's fast attention (Sage and the like) has no gradients: `with_gradients` sets its own.
    model.model_options["transformer_options"].pop("optimized_attention_override", None)
    sampler = _Optimiser(edit, settings, on_iteration, _Memory(model, edit))
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


def compute_dtype(model: ModelPatcher) -> torch.dtype:
    """What the model computes in, whatever its weights are kept in."""
    return model.model.manual_cast_dtype or model.model.get_dtype()


class _Memory:
    """What gradients need beside the weights, and whether it is there.

    The figures are megabytes of activations kept for each latent cell and byte of the compute
    dtype, times ComfyUI's own memory factor of the architecture.
    """

    def __init__(self, model: ModelPatcher, edit: Edit):
        base, dtype = model.model, compute_dtype(model)
        shape = edit.noise.shape
        passes = 2 if edit.negative is not None and edit.cfg != 1 else 1
        cells = passes * shape[0] * math.prod(shape[2:])
        unit = cells * dtype.itemsize * base.memory_usage_factor * 2**20
        self.full = unit * _MB_KEPT + edit.feature_memory
        self.least = unit * _MB_KEPT_WITHOUT_BLOCKS + edit.feature_memory
        weights = sum(one.model_size() for one in (model, *edit.feature_models))
        total = comfy.model_management.get_total_memory(model.load_device)
        self.device = model.load_device
        self.blocks = weights + self.full > 0.8 * total  # type: ignore[operator]

    @property
    def needed(self) -> float:
        """Bytes that this run keeps for its gradients."""
        return self.least if self.blocks else self.full

    def prepare(self, executor, model, noise_shape, *args, **kwargs):
        """Load as if for a batch that needs as much: ComfyUI then offloads what it must."""
        times = math.ceil(self.needed / max(1.0, model.model.memory_required(list(noise_shape))))
        shape = [noise_shape[0] * max(1, times), *noise_shape[1:]]
        return executor(model, shape, *args, **kwargs)

    def check(self) -> None:
        """Raise ValueError when what is free now will not do."""
        free = comfy.model_management.get_free_memory(self.device)
        assert not isinstance(free, tuple)
        if self.needed > free:
            raise ValueError(
                f"source: its gradients need about {self.needed / 2**30:.1f} GB beside the "
                f"weights, {free / 2**30:.1f} GB are free on {self.device}. Use a smaller "
                "picture, one picture at a time, cfg 1, or a float16 model."
            )


class _Optimiser(comfy.samplers.Sampler):
    """Runs Algorithm 1 where other samplers take their steps."""

    def __init__(self, edit: Edit, settings: Settings, on_iteration, memory: _Memory):
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
                build = self.edit.build_loss
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
