"""What differs between the versions of ComfyUI that the pack runs on, told by feature, once each.

Tried: 0.3.52, 0.3.75, 0.18.1 and 0.33.0. No version number is ever compared, since forks and
checkouts between releases carry any; the numbers below say where a difference was first seen, or
where it came in ComfyUI's own code that was read and could not be run.
"""

import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import comfy.k_diffusion.sampling
import comfy.latent_formats
import comfy.model_management
import comfy.model_patcher
import comfy.sampler_helpers
import comfy.supported_models
import torch
from comfy_api.latest import io


@dataclass(frozen=True)
class Difference:
    """name: of the feature; since: the first of the versions with it that were tried, or read
    reason: why the pack minds; present: whether this ComfyUI has it
    """

    name: str
    since: str
    reason: str
    present: Callable[[], bool]


def _takes(function: Callable, name: str) -> bool:
    return name in inspect.signature(function).parameters


@cache
def state_takes_options() -> bool:
    """Whether ModelPatcher.prepare_state wants the model options too."""
    return _takes(comfy.model_patcher.ModelPatcher.prepare_state, "model_options")


def prepare_state(patcher, sigma: torch.Tensor, model_options: dict) -> None:
    """Tell the model's hooks the step's noise level, as ComfyUI does before each model call."""
    options = (model_options,) if state_takes_options() else ()
    patcher.prepare_state(sigma, *options)


def has_training_flag() -> bool:
    """Whether ComfyUI is told when a model is run for its gradients."""
    return hasattr(comfy.model_management, "in_training")


@cache
def ancestral_seed_offset() -> int:
    """What ComfyUI adds to the seed of noise that is added in each step, on the CPU: 0 or 1."""
    x = torch.zeros(1, 1, 1, 4)
    drawn = comfy.k_diffusion.sampling.default_noise_sampler(x, seed=0)(1.0, 0.5)
    same = torch.equal(drawn, torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    return 0 if same else 1


@cache
def schema_fields() -> frozenset[str]:
    """Names of what this ComfyUI's io.Schema takes."""
    return frozenset(field.name for field in fields(io.Schema))


def schema_extras(**wanted: Any) -> dict[str, Any]:
    """Of the fields of io.Schema those that this ComfyUI knows: ``**schema_extras(...)``.

    For what serves users where it is there and is no loss where it is not, such as
    ``search_aliases=["..."]``.
    """
    return {name: value for name, value in wanted.items() if name in schema_fields()}


def fold_away(one: io.Input) -> None:
    """Mark an input as advanced: newer frontends fold it away in Nodes 2.0.

    Before inputs had an option for it, ComfyUI passed on what it did not know.
    """
    if hasattr(one, "advanced"):
        one.advanced = True  # type: ignore[attr-defined]
    else:
        one.extra_dict["advanced"] = True


DIFFERENCES = (
    Difference(
        "prepare_state takes model_options",
        "0.33.0",
        "a replayed step tells the model's hooks its noise level, as a sampled one does",
        state_takes_options,
    ),
    Difference(
        "prepare_sampling takes force_full_load and force_offload",
        "0.18.1",
        "the pack's wrapper of it passes on whatever it is given",
        lambda: _takes(comfy.sampler_helpers.prepare_sampling, "force_full_load"),
    ),
    Difference(
        "models are told when gradients are wanted",
        "0.18.1",
        "TiNO's updates: else transformers turn their positions by kernels without gradients",
        has_training_flag,
    ),
    Difference(
        "the seed of ancestral noise is raised by 1 on the CPU",
        "0.18.1",
        "before, the first noise that such samplers add equals the initial noise; a seed gives "
        "other pictures on either side of it",
        lambda: ancestral_seed_offset() == 1,
    ),
    Difference(
        "latent formats say their own ratio",
        "0.18.1",
        "the size of a candidate's picture; before, a table by the format's class tells it",
        lambda: hasattr(comfy.latent_formats.LatentFormat, "spacial_downscale_ratio"),
    ),
    Difference(
        "a MODEL counts its own free memory",
        "0.18.1",
        "how many run side by side: under dynamic VRAM, weights that may go count as free",
        lambda: hasattr(comfy.model_patcher.ModelPatcher, "get_free_memory"),
    ),
    Difference(
        "out of memory may be an AcceleratorError",
        "0.18.1",
        "a batch is cut in half then too",
        lambda: hasattr(comfy.model_management, "is_oom"),
    ),
    Difference(
        "weights are fetched ahead of a model's blocks",
        "0.33.0",
        "what a call that ran out of memory had fetched is let go before the next one",
        lambda: importlib.util.find_spec("comfy.model_prefetch") is not None,
    ),
    Difference(
        "Qwen-Image 2.1",
        "0.37, read and not run",
        "an editing model with nodes of its own",
        lambda: hasattr(comfy.supported_models, "QwenImage21"),
    ),
    Difference(
        "nodes have search_aliases",
        "0.18.1",
        "further names under which the search finds a node",
        lambda: "search_aliases" in schema_fields(),
    ),
    Difference(
        "inputs may be advanced",
        "0.18.1",
        "inputs that few need are folded away",
        lambda: _takes(io.Int.Input.__init__, "advanced"),
    ),
)
