"""Code on a MODEL that was read and found harmless, each with the reason.

Two things are asked of whatever hangs on a model. Does it remember earlier calls? Then no candidate
goes on from its tape. Does it look across the batch? Then candidates run one by one. What cannot be
seen by itself (see `attached`) is taken to do both, unless it is listed here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .origin import HOST, file_of, plain, qualified_name


@dataclass(frozen=True)
class Harmless:
    """Code whose answer depends on its arguments alone, whatever it was asked before.

    file: below ComfyUI's folder, or the folder of another pack and the file below it
    code: how its qualified name, or that of the class whose instance it is, begins
    why: what was read
    per_sample: whether it also treats each candidate of a batch on its own
    """

    file: str
    code: str
    why: str
    per_sample: bool = True


_CFG = "comfy_extras/nodes_cfg.py"
_PATCHES = "comfy_extras/nodes_model_patch.py"
_KJ = "comfyui-kjnodes/nodes/model_optimization_nodes.py"
_SKIMMED = "skimmed-cfg/skimmed_CFG.py"
_DYNAMIC = "sd-dynamic-thresholding/dynthres_comfyui.py"
HARMLESS = (
    Harmless(_CFG, "CFGNorm.", "norms over the channels of each pixel"),
    Harmless(_CFG, "CFGZeroStar.", "a scale a picture, from its own dot products"),
    Harmless(
        "comfy_extras/nodes_model_advanced.py", "RescaleCFG.", "standard deviations of a picture"
    ),
    Harmless("comfy_extras/nodes_tcfg.py", "TCFG.", "singular vectors of each picture"),
    Harmless("comfy_extras/nodes_fresca.py", "FreSca.", "a Fourier filter of each channel"),
    Harmless("comfy_extras/nodes_eps.py", "EpsilonScaling.", "number by number"),
    Harmless(
        "comfy_extras/nodes_pag.py",
        "PerturbedAttentionGuidance.",
        "a further call with the same batch, without attention in one block",
    ),
    Harmless(
        "comfy_extras/nodes_lumina2.py",
        "RenormCFG.",
        "holds the MODEL to read its number of channels; its comparison takes one picture",
        per_sample=False,
    ),
    Harmless(
        _PATCHES, "DiffSynthCnetPatch.", "keeps the control picture's latent, which never changes"
    ),
    Harmless(
        _PATCHES,
        "UsoStyleProjectorPatch.",
        "keeps the style's features, which never change; puts them before those of one picture",
        per_sample=False,
    ),
    Harmless(
        "comfy_api/torch_helpers/torch_compile.py",
        "apply_torch_compile_factory.",
        "keeps the compiled modules and puts them in place for a call",
    ),
    # Other packs, read in their repositories in 2026.
    Harmless(_KJ, "PathchSageAttentionKJ.", "another attention kernel, picture by picture"),
    Harmless(_KJ, "PatchFlashAttentionKJ.", "another attention kernel, picture by picture"),
    Harmless(_KJ, "ModelPatchTorchSettings.", "sets how matrices are added up, for all calls"),
    Harmless(_KJ, "_kj_apply_torch_compile_wrapper", "as ComfyUI's own torch.compile"),
    Harmless(_KJ, "CFGZeroStarAndInit.", "a scale a picture; the step is read off the noise level"),
    Harmless(
        "comfyui-kjnodes/nodes/nodes.py",
        "DifferentialDiffusionAdvanced.",
        "a threshold on the mask, read off the noise level",
    ),
    Harmless(
        "comfyui-kjnodes/nodes/nodes.py",
        "Guider_ScheduledCFG.",
        "ComfyUI's own rule with a scale that is read off the noise level",
    ),
    Harmless(_SKIMMED, "CFG_skimming_single_scale_pre_cfg_node.", "signs, number by number"),
    Harmless(_SKIMMED, "skimReplacePreCFGNode.", "signs, number by number"),
    Harmless(_SKIMMED, "SkimmedCFGLinInterp", "signs, number by number"),
    Harmless(
        _SKIMMED,
        "differenceCFGPreCFGNode.",
        "norms and ranges of the whole batch",
        per_sample=False,
    ),
    Harmless(
        _DYNAMIC,
        "DynamicThresholding",
        "its step is set anew from the noise level at every call; maxima go over the batch",
        per_sample=False,
    ),
    Harmless(
        "comfyui-inpaint-nodes/nodes.py",
        "InpaintBlockPatch.",
        "adds the features of the masked picture, repeated for a batch",
    ),
    Harmless(
        "sd-perturbed-attention/pag_nodes.py",
        "PerturbedAttention.",
        "a further call with the same batch; rescales by standard deviations of a picture",
    ),
)


def known(code: Any) -> Harmless | None:
    """What is written here of a function, a method or an object that is called; None if nothing."""
    itself = isinstance(code, types.FunctionType | types.MethodType)
    function = plain(code if itself else vars(type(code)).get("__call__"))
    if function is None:
        return None
    path, name = file_of(function), qualified_name(function)
    places = set(_places(path))
    found = (one for one in HARMLESS if one.file in places and name.startswith(one.code))
    return next(found, None)


def _places(path: Path) -> Iterator[str]:
    """What a file may be called here: below ComfyUI's folder, and below that of a pack."""
    if path.is_relative_to(HOST):
        yield path.relative_to(HOST).as_posix()
    for parent in list(path.parents)[:3]:
        folder = parent.name.lower().replace("_", "-")
        folder = folder.removesuffix("-main").removesuffix("-master")
        yield f"{folder}/{path.relative_to(parent).as_posix()}"
