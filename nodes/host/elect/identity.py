"""What makes a run the run it is: sampler, guidance, conditionings, latent, model."""

from __future__ import annotations

import comfy.model_patcher
import comfyui_version
import torch
from torch import Tensor

from ..conditions import NULL_KEY
from ..versions import ancestral_seed_offset
from .attached import attached_names
from .fingerprint import Plain, described, digest
from .run import Run

_WEIGHTS = 24
_VALUES = 16


def run_facts(run: Run) -> dict[str, Plain]:
    """A run by the node inputs that it comes from, each as plain values."""
    conds = run.conds()
    facts = {
        "sampler": described(run.sampler),
        "guider": _guider(run),
        "conditionings": described({k: v for k, v in conds.items() if k != NULL_KEY}),
        "latent_image": described({"samples": run.latent["samples"], **_masked(run)}),
        "model": _model(run.model),
    }
    if run.text_jitter:
        facts["text_jitter"] = run.text_jitter
    if run.null is not None:
        facts["null"] = described([entry.get("cross_attn") for entry in conds[NULL_KEY]])
    return facts


def made_with() -> dict[str, Plain]:
    """What else a picture hangs on, bit for bit, that no node input says."""
    return {
        "ComfyUI": comfyui_version.__version__,
        "torch": torch.__version__,
        "seed offset of ancestral noise": ancestral_seed_offset(),
    }


def _masked(run: Run) -> dict:
    names = ("noise_mask", "batch_index")
    return {name: run.latent[name] for name in names if run.latent.get(name) is not None}


def _guider(run: Run) -> Plain:
    """Its class and its numbers; the conditionings and the model are told apart."""
    guider = run.guider
    told = {k: v for k, v in vars(guider).items() if isinstance(v, bool | int | float | str)}
    return {"kind": type(guider).__qualname__, **told}


def _model(patcher: comfy.model_patcher.ModelPatcher) -> Plain:
    model = patcher.model
    sampling = patcher.get_model_object("model_sampling")
    return {
        "class": type(model).__qualname__,
        "latent format": type(model.latent_format).__qualname__,
        "prediction": {
            k: v for k, v in vars(sampling).items() if isinstance(v, bool | int | float)
        },
        "weights": _weights(patcher),
        "patches": _patches(patcher.patches),
        "attached": attached_names(patcher),
    }


def _weights(patcher: comfy.model_patcher.ModelPatcher) -> Plain:
    """A few values of some of the weights, unpatched; those of exotic kinds are left out."""
    held = dict(patcher.model.named_parameters())
    names = sorted(held)
    chosen = names[:: max(1, len(names) // _WEIGHTS)]
    found: dict[str, Plain] = {"number": len(names)}
    for name in chosen:
        kept = patcher.backup.get(name)
        weight = held[name].data if kept is None else kept.weight
        if type(weight) is Tensor and weight.is_floating_point() and not weight.is_meta:
            found[name] = _sample(weight)
    return found


def _sample(tensor: Tensor) -> Plain:
    flat = tensor.detach().flatten()
    if not len(flat):
        return []
    return described(flat[:: max(1, len(flat) // _VALUES)][:_VALUES].cpu().float())


def _patches(patches: dict[str, list]) -> Plain:
    """What is laid over the weights (LoRAs): how much, and a digest of strengths and values."""
    laid = {key: [_patch(one) for one in patches[key]] for key in patches}
    return {"number": len(laid), "sha256": digest(laid)}


def _patch(value: object) -> Plain:
    if isinstance(value, Tensor):
        return _sample(value) if value.is_floating_point() else described(value)
    if isinstance(value, list | tuple):
        return [_patch(one) for one in value]
    if hasattr(value, "weights"):  # ComfyUI's adapters
        return [type(value).__qualname__, _patch(value.weights)]  # type: ignore[attr-defined]
    return described(value)
