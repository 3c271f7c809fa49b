"""Test edits of the embedded world as ComfyUI's own guiders, samplers and schedules."""

from dataclasses import dataclass
from pathlib import Path

import comfy.samplers
import torch
from comfy_extras.nodes_custom_sampler import Guider_Basic, Guider_DualCFG
from comfy_extras.nodes_ip2p import InstructPixToPixConditioning
from torch import Tensor

from ..edit_models.families import FAMILIES, Family
from ..embedded.model.comfyui import load_embedded
from ..embedded.model.shipped import VARIANTS, WEIGHTS
from ..embedded.model.vae import load_shipped_vae
from ..embedded.world.samples import Sample, sample
from ..nodes.host.elect.run import Run
from .digest import digest


@dataclass(frozen=True)
class Guidance:
    """Text and image scale of InstructPix2Pix's rule."""

    text: float
    image: float


def _guidance(family: Family) -> Guidance:
    assert family.image_cfg is not None
    return Guidance(family.cfg, family.image_cfg)


_FAMILIES = {
    **dict.fromkeys(("editing", "mild", "harsh"), FAMILIES["embedded"]),
    **dict.fromkeys(("flow", "flow_mild"), FAMILIES["embedded_flow"]),
}
GUIDANCE = {variant: _guidance(family) for variant, family in _FAMILIES.items()}
"""Of each variant that edits in many steps, from the sweeps in docs/embedded.md."""
FEW_STEPS = {"flow_4": 4, "flow_2": 2, "flow_1": 1}
"""Steps of the variants that are distilled; they run without guidance."""


class EditBench:
    """The embedded model, loaded once, and the runs of its test edits."""

    def __init__(
        self,
        guidance: Guidance | None,
        num_steps: int,
        variant: str = "editing",
        split: str = "test",
    ):
        self.model, self.clip, self.vae = load_embedded(variant=variant)
        self.decoder = load_shipped_vae()
        self.guidance, self.variant, self.split = guidance, variant, split
        sampling = self.model.get_model_object("model_sampling")
        family = FAMILIES["embedded_flow"] if variant in FEW_STEPS else _FAMILIES[variant]
        self.sigmas = comfy.samplers.calculate_sigmas(sampling, family.scheduler, num_steps)
        self.run_fingerprint = self.fingerprint(Path(VARIANTS[variant].file).stem, "text_encoder")

    @property
    def noise_to_signal(self) -> list[float]:
        """Deviation of the noise over the weight of the latent at every step, (K,)."""
        sampling = self.model.get_model_object("model_sampling")
        one, zero = torch.ones(1, 1), torch.zeros(1, 1)
        return [
            float(sampling.noise_scaling(s, one, zero) / sampling.noise_scaling(s, zero, one))
            for s in self.sigmas[:-1].view(-1, 1)
        ]

    @property
    def guided_by(self) -> str:
        """The guidance in words."""
        if self.guidance is None:
            return "no guidance"
        return f"guidance text {self.guidance.text:g} / image {self.guidance.image:g}"

    @staticmethod
    def fingerprint(*names: str) -> str:
        """Names weights, so that what other weights made is never taken for theirs."""
        return digest(WEIGHTS / f"{name}.safetensors" for name in names)

    def edit(self, index: int) -> Sample:
        """Edit number `index` of the bench's split."""
        return sample(self.split, index)

    def conditioning(self, text: str) -> list:
        """CLIPTextEncode's output for a text."""
        return self.clip.encode_from_tokens_scheduled(self.clip.tokenize(text))

    def run(self, edit: Sample, sampler: str, text_jitter: float = 0.0) -> Run:
        """What all seeds of one edit share; text_jitter: how far their texts are moved."""
        pixels = torch.from_numpy(edit.source)[None]
        text, empty = self.conditioning(edit.instruction), self.conditioning("")
        positive, middle, latent = InstructPixToPixConditioning.execute(
            text, empty, pixels, self.vae
        ).args
        if self.guidance is None:
            guider = Guider_Basic(self.model)
            guider.set_conds(positive)
        else:
            guider = Guider_DualCFG(self.model)
            guider.set_conds(positive, middle, empty)
            guider.set_cfg(self.guidance.text, self.guidance.image)
        chosen = comfy.samplers.sampler_object(sampler)
        return Run(guider, chosen, self.sigmas, latent, 0, text_jitter=text_jitter)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (N, H, W, 3) of latents (N, C, h, w), LATENT scale; as VAEDecode, but faster."""
        return self.decoder.decode(latents).movedim(1, -1)

    def source_latent(self, edit: Sample) -> Tensor:
        """The encoded source, (1, C, h, w), LATENT scale."""
        return self.vae.encode(torch.from_numpy(edit.source)[None])
