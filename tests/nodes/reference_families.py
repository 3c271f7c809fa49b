"""The editing models of today as a user wires them: text, source picture, guider, schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .newer_models import (
    BOOGU,
    CAPYBARA,
    JOYAI,
    KLEIN,
    LONGCAT,
    MAGE,
    QWEN_2511,
    skip_where_lacking,
)
from .reference_models import (
    COSXL,
    FLUX,
    FLUX2,
    HIDREAM,
    OMNIGEN2,
    QWEN,
    WAN,
    WIDTH,
    build,
    build_wan,
)


def features(seed: int, tokens: int = 5) -> Tensor:
    """Random text features (1, tokens, WIDTH)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, tokens, WIDTH, generator=generator)


def _text(seed: int, **extra) -> list:
    """A CONDITIONING as the model's text encoder gives it; another seed says something else."""
    pooled = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(seed + 100))
    return [[features(seed), {"pooled_output": pooled, **extra}]]


def _llama(seed: int) -> list:
    layers = torch.stack([features(seed + 200), features(seed + 300)], 1)
    return _text(seed, conditioning_llama3=layers)


def _masked(seed: int) -> list:
    return _text(seed, attention_mask=torch.ones(1, 5, dtype=torch.long))


def _wide(seed: int) -> list:
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, 7, 4096, generator=generator), {}]]


@dataclass(frozen=True)
class Family:
    """One editing model: how it is built, told the text, shown the picture and guided.

    shape: of its latent for the tests' picture; key: where its conditioning holds the source
    guidance: how ComfyUI's example workflow guides it; cfg: for that guider
    pictures: how many it is shown, the first being edited
    """

    name: str
    settings: dict[str, Any]
    shape: tuple[int, ...]
    key: str
    guidance: str
    cfg: tuple = ()
    encode: Callable[[int], list] = _text
    extra: dict[str, Any] = field(default_factory=dict)
    scheduler: str = "simple"
    pictures: int = 1

    def load(self, folder: Path):
        """Its MODEL, from a file written to `folder`; skips on a ComfyUI without it."""
        skip_where_lacking(self.settings)
        if self.settings is WAN_I2V:
            return build_wan(folder, in_dim=36, model_type="i2v")
        return build_wan(folder) if self.settings is WAN else build(self.settings, folder)

    def conditioning(self, seed: int, source: Tensor | None = None) -> list:
        """A CONDITIONING of the seed's text, with the source's latent where given."""
        (text, options), *_ = self.encode(seed)
        shown = {} if source is None or not self.key else {self.key: self._shown(source)}
        return [[text, {**options, **self.extra, **shown}]]

    def _shown(self, source: Tensor) -> Tensor | list[Tensor]:
        if self.key != "reference_latents":
            return source
        return [source, *(torch.full_like(source, 0.3 * n) for n in range(1, self.pictures))]


WAN_I2V = {**WAN, "model_type": "i2v"}
_REFERENCE, _CONCAT = "reference_latents", "concat_latent_image"
FAMILIES = {
    family.name: family
    for family in (
        Family("flux_kontext", FLUX, (1, 16, 10, 8), _REFERENCE, "null", extra={"guidance": 2.5}),
        Family("qwen_image_edit", QWEN, (1, 16, 1, 10, 8), _REFERENCE, "cfg", (2.5,)),
        Family("omnigen2", OMNIGEN2, (1, 16, 10, 8), _REFERENCE, "dual", (5.0, 2.0), _masked),
        Family("hidream_e1", HIDREAM, (1, 16, 10, 8), _CONCAT, "dual", (3.0, 2.0), _llama),
        Family("flux2", FLUX2, (1, 128, 5, 4), _REFERENCE, "null", extra={"guidance": 4.0}),
        Family("cosxl_edit", COSXL, (1, 4, 10, 8), _CONCAT, "dual", (5.0, 1.5), scheduler="normal"),
        Family(
            "qwen_image_edit_2511",
            QWEN_2511,
            (1, 16, 1, 10, 8),
            _REFERENCE,
            "cfg",
            (4.0,),
            pictures=2,
        ),
        Family("flux2_klein", KLEIN, (1, 128, 5, 4), _REFERENCE, "null"),
        Family("longcat_image_edit", LONGCAT, (1, 16, 10, 8), _REFERENCE, "cfg", (4.5,)),
        Family("joyai_image_edit", JOYAI, (1, 16, 1, 10, 8), _REFERENCE, "cfg", (4.0,)),
        Family("boogu_image_edit", BOOGU, (1, 16, 10, 8), _REFERENCE, "cfg", (3.5,), _masked),
        Family("mage_flow_edit", MAGE, (1, 128, 5, 4), _REFERENCE, "cfg", (5.0,)),
        Family("capybara", CAPYBARA, (1, 32, 1, 5, 4), _CONCAT, "cfg", (6.0,)),
        Family("chronoedit", WAN_I2V, (1, 16, 2, 10, 8), _CONCAT, "cfg", (4.0,), _wide),
        Family("wan", WAN, (1, 16, 3, 10, 8), "", "cfg", (3.0,), _wide),
    )
}


@dataclass(frozen=True)
class Edit:
    """One edit with one model, wired as its example workflow wires it.

    source: its latent in LATENT scale; text, null: CONDITIONINGs with the picture; bare: the text
    of null without it; given: what MultiSeedPartialSampler needs besides
    """

    family: Family
    model: Any
    source: Tensor
    text: list
    null: list
    bare: list
    guider: Any
    latent: dict
    sigmas: Tensor
    given: dict[str, Any]


def edit(family: Family, folder: Path, shape: Sequence[int] | None = None) -> Edit:
    """The family's edit of a random source; `shape` where the source has another size."""
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_Basic, Guider_DualCFG

    model = family.load(folder)
    clean = torch.randn(tuple(shape or family.shape), generator=torch.Generator().manual_seed(50))
    source = model.model.process_latent_out(clean)
    text, null = family.conditioning(1, source), family.conditioning(2, source)
    bare = family.conditioning(2)
    kinds = {
        "null": (Guider_Basic, (text,)),
        "cfg": (comfy.samplers.CFGGuider, (text, null)),
        "dual": (Guider_DualCFG, (text, null, bare)),
    }
    kind, conds = kinds[family.guidance]
    guider = kind(model)
    guider.set_conds(*conds)
    if family.cfg:
        guider.set_cfg(*family.cfg)
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, family.scheduler, 8)
    # A model that is shown no picture edits the one it starts from.
    start = torch.zeros(family.shape) if family.key else source
    sigmas = sigmas if family.key else sigmas[2:]
    given = {"null": bare} if family.guidance == "null" else {}
    latent = {"samples": start}
    return Edit(family, model, source, text, null, bare, guider, latent, sigmas, given)
