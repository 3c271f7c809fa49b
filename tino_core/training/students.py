"""Students: networks of latents that start as much like their teacher as fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..latent_clip import LatentCLIP
from ..latent_vgg import LatentVGG
from .options import Options
from .teachers import Teacher


def cosine_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """``1 - cos`` an image; both (B, D).  Returns (B,)."""
    return 1 - F.cosine_similarity(student.float(), teacher.float(), dim=-1)


def absolute_difference(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean absolute difference an image; both (B, D).  Returns (B,)."""
    return (student.float() - teacher.float()).abs().mean(1)


@dataclass(frozen=True)
class Kind:
    """What sets one student apart from the other: class, inner network, objective, sizes."""

    model: Callable[[dict[str, Any], str], LatentCLIP | LatentVGG]
    inner: Callable[[nn.Module], nn.Module]
    objective: Callable[[Tensor, Tensor], Tensor]
    adapted: Callable[[Teacher, tuple[int, ...]], dict[str, Any]]


def _clip_config(teacher: Teacher, latent: tuple[int, ...]) -> dict[str, Any]:
    """The teacher's sizes, with as many patches a side on the latent (C, h, w) as it has."""
    patches = teacher.config["image_size"] // teacher.config["patch_size"]
    patch = max(1, min(latent[1:]) // patches)
    sizes = {"num_channels": latent[0], "patch_size": patch, "image_size": patch * patches}
    return {**teacher.config, **sizes}


def _vgg_config(teacher: Teacher, latent: tuple[int, ...]) -> dict[str, Any]:
    config = {key: value for key, value in teacher.config.items() if key != "image_size"}
    return {**config, "num_channels": latent[0]}


KINDS = {
    "clip": Kind(LatentCLIP, lambda m: m.get_submodule("tower"), cosine_distance, _clip_config),
    "vgg": Kind(LatentVGG, lambda m: m.get_submodule("network"), absolute_difference, _vgg_config),
}


def build_student(
    options: Options, teacher: Teacher, latent: tuple[int, ...]
) -> LatentCLIP | LatentVGG:
    """A student for latents (C, h, w). Raises ValueError where its sizes cannot be."""
    kind = KINDS[options.student]
    config = {**kind.adapted(teacher, latent), **_own_sizes(options.student_config)}
    if config["num_channels"] != latent[0]:
        raise ValueError(
            f"--student-config: num_channels is {config['num_channels']}, but the latents of "
            f"--vae have {latent[0]}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        try:
            student = kind.model(config, options.latent_space)
        except (TypeError, ValueError) as error:
            raise ValueError(f"--student-config: no such network ({error}).") from error
    if not options.from_scratch:
        copied = copy_what_fits(kind.inner(student), teacher.weights)
        print(f"student starts with {copied:.0%} of its weights from the teacher", flush=True)
    return student


def _own_sizes(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    if not path.is_file():
        raise ValueError(f"--student-config: there is no file {path}.")
    try:
        sizes = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"--student-config: {path} is no JSON file ({error}).") from error
    if not isinstance(sizes, dict):
        raise ValueError(f"--student-config: expected an object in {path}.")
    return sizes


def copy_what_fits(network: nn.Module, weights: dict[str, Tensor]) -> float:
    """Copies the weights of the same name and shape; returns their share of all numbers."""
    own = network.state_dict()
    fits = {k: v for k, v in weights.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict({**own, **fits})
    return sum(v.numel() for v in fits.values()) / sum(v.numel() for v in own.values())
