"""What may run side by side and stay true to each seed, and how much of it fits in memory."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import comfy.sampler_helpers
import comfy.samplers

from ..device_memory import free_memory
from ..edit_models.instruct_diffusion import Guider_InstructDiffusion
from .attached import asked_at_calls, hooks, may_remember
from .harmless import known
from .noise import takes_noise_sampler
from .origin import is_own
from .packing import Part, even_size, is_compiled

if TYPE_CHECKING:
    from .run import Run

# Guiders whose rule treats each candidate of a batch on its own.
_PER_SAMPLE_GUIDERS = ("CFGGuider", "Guider_Basic", "Guider_DualCFG")
_OWN_SIGMAS = (
    "sample_dpm_fast",
    "sample_dpm_adaptive",
    "dpm_fast_function",
    "dpm_adaptive_function",
)
_RESIZING = ("sample_lcm_upscale",)
_RANDOM_PATCHES = ("HyperTile", "TomePatchModel")
_SEEDED_IMAGES = ("unclip_conditioning", "noise_augmentation")


def refuse_sampler(sampler: comfy.samplers.Sampler) -> None:
    """Raise ValueError for a SAMPLER that cannot be stopped and resumed, by its name."""
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "")
    if name in _OWN_SIGMAS:
        shown = name.removeprefix("sample_").removesuffix("_function")
        raise ValueError(
            f"sampler: {shown} chooses its own noise levels, so no step of the schedule can be "
            "its stop. Choose another sampler, such as euler or dpmpp_2m."
        )
    if name in _RESIZING:
        raise ValueError(
            "sampler: SamplerLCMUpscale changes the size of the latent while it runs, so its "
            "candidates cannot be compared with the source. Choose another sampler, such as lcm."
        )


def refuse_dice(model_options: dict) -> None:
    """Raise ValueError for dice in the model, which no replay rolls again.

    HyperTile and ToMe draw from torch's global generator at every model call.
    """
    options = model_options.get("transformer_options", {})
    for patches in options.get("patches", {}).values():
        for patch in patches:
            name = getattr(patch, "__qualname__", "").split(".")[0]
            if name.startswith(_RANDOM_PATCHES):  # other packs' variants are named alike
                raise ValueError(
                    f"guider: its MODEL carries {name}, which draws random numbers inside the "
                    "model, so neither a seed nor a resumed run would be true. Remove that node "
                    "from the model's path."
                )


def why_one_by_one(guider: comfy.samplers.CFGGuider, sampler, masked: bool) -> str | None:
    """Why candidates of this run must go one by one to be true to their seeds, or None."""
    name = type(guider).__name__
    rule = type(guider).predict_noise
    stock = name in _PER_SAMPLE_GUIDERS and is_own(rule) or _takes_each_alone(rule, False)
    if not stock and type(guider) is not Guider_InstructDiffusion:
        return f"the guider {name} may mix the candidates of a batch"
    across = _across_the_batch(guider)
    if across is not None:
        return across
    entries = [entry for conds in guider.original_conds.values() for entry in conds]
    if any(key in entry for entry in entries for key in _SEEDED_IMAGES):
        return "the model draws the noise of its image condition from the seed"
    return _why_sampler(sampler, masked)


def _across_the_batch(guider: comfy.samplers.CFGGuider) -> str | None:
    """What on the guider's MODEL may look across a batch: any hook may (Mahiro and SLG do)."""
    options = guider.model_options
    for hook in hooks(options):
        if not _takes_each_alone(hook, False):
            return f"the model's hook {_name(hook)} may mix the candidates"
    for code in asked_at_calls(guider.model_patcher, options):
        if not _takes_each_alone(code, True):
            return f"the model's {_name(code)} takes one picture at a time"
    return may_remember(guider)  # what is not known may as well


def _takes_each_alone(code: Any, unless_known: bool) -> bool:
    found = known(code)
    return unless_known if found is None else found.per_sample


def _name(code: Any) -> str:
    return getattr(code, "__qualname__", type(code).__qualname__)


def _why_sampler(sampler, masked: bool) -> str | None:
    function = getattr(sampler, "sampler_function", None)
    if type(sampler) is not comfy.samplers.KSAMPLER or function is None:
        return f"the sampler {type(sampler).__name__} may draw one noise for the whole batch"
    if masked and sampler.inpaint_options.get("random", False):
        return "DDIM draws one inpainting noise for the whole batch"
    if sampler.extra_options.get("s_churn", 0) > 0:
        return "churn draws one noise for the whole batch"
    if sampler.extra_options.get("noise_sampler") is not None:
        return "the sampler brings its own noise"
    if not is_own(function):
        return f"the sampler {getattr(function, '__name__', function)} is not ComfyUI's own"
    if not takes_noise_sampler(sampler) and function.__name__ == "sample_lcm":
        return "this host's lcm draws one noise for the whole batch"
    return None


def candidates_that_fit(
    guider: comfy.samplers.CFGGuider, shape: tuple[int, ...], limit: int
) -> int:
    """How many candidates of `shape` (1, C, h, w) one batch can hold, from 1 to `limit`.

    By ComfyUI's own estimate for one condition (it splits conditions, never candidates), against
    what is free once the model itself is loaded.
    """
    patcher, conds = guider.model_patcher, guider.original_conds
    prepare = comfy.sampler_helpers
    prepare.prepare_sampling(patcher, shape, conds, guider.model_options)  # loads the models
    _, one = prepare.estimate_memory(patcher, shape, conds)
    return max(1, min(limit, int(free_memory(patcher) / (one * 1.5))))


@dataclass(frozen=True)
class Batches:
    """How many candidates run side by side, and why only one where a run allows no more."""

    size: int
    one_by_one: str | None = None


def batches(
    run: Run, requested: int, num_candidates: int, parts: Sequence[Part] | None = None
) -> Batches:
    """Candidates to run side by side: `requested`, or what fits where it is 0.

    parts: how many of them run on together, and how far, where they become fewer; a compiled model
    gets one size for all of it, up to that
    """
    reason = why_one_by_one(run.guider, run.sampler, run.latent.get("noise_mask") is not None)
    if reason is not None:
        if num_candidates > 1:
            logging.info("ELECT: candidates run one by one, since %s.", reason)
        return Batches(1, reason)
    most = max(1, min(requested, num_candidates))
    if requested == 0 and num_candidates > 1:
        shape = tuple(run.latent["samples"].shape)
        most = candidates_that_fit(run.guider, shape, num_candidates)
    if is_compiled(run.model):
        most = even_size(most, parts or [(num_candidates, 1)])
    return Batches(most)
