"""The loss of a TiNO-Edit run, from what is connected; every error names the input to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ...tino_core.losses import (
    LossWeights,
    perceptual_loss,
    reference_loss,
    semantic_loss,
    total_loss,
)
from .latent_models import FeatureModel


@dataclass(frozen=True)
class Texts:
    """Pooled features (1, E) of the source's and of the target's text."""

    source: Tensor
    target: Tensor

    @property
    def equal(self) -> bool:
        """Whether the text does not move at all."""
        return bool((self.source == self.target).all())


def _pooled(conditioning: list, name: str) -> Tensor:
    pooled = conditioning[0][1].get("pooled_output")
    if pooled is None:
        raise ValueError(
            f"{name}: this conditioning carries no pooled text feature, which the semantic loss "
            "compares. Encode it with CLIPTextEncode and a CLIP that has one (SD 1.5, 2.1, SDXL)."
        )
    return pooled[:1].float()


def _encode(clip, prompt: str) -> Tensor:
    pooled = clip.encode_from_tokens(clip.tokenize(prompt), return_pooled=True)[1]
    if pooled is None:
        raise ValueError(
            "clip: this text encoder has no pooled text feature, which the semantic loss compares. "
            "Use the CLIP of SD 1.5, 2.1 or SDXL."
        )
    return pooled[:1].float()


def read_texts(clip, source_prompt: str, target_prompt: str, source_text, target_text):
    """Texts of two conditionings where connected, else of two prompts; None without either."""
    if (source_text is None) != (target_text is None):
        missing = "source_text" if source_text is None else "target_text"
        raise ValueError(f"{missing}: the semantic loss compares two texts. Connect this one too.")
    if source_text is not None:
        return Texts(_pooled(source_text, "source_text"), _pooled(target_text, "target_text"))
    if not source_prompt.strip() and not target_prompt.strip():
        return None
    for name, prompt in (("source_prompt", source_prompt), ("target_prompt", target_prompt)):
        if not prompt.strip():
            raise ValueError(
                f"{name}: it is empty. The semantic loss compares what the picture shows now "
                "(source_prompt) with what it shall show (target_prompt)."
            )
    if clip is None:
        raise ValueError("clip: connect the CLIP that reads source_prompt and target_prompt.")
    return Texts(_encode(clip, source_prompt), _encode(clip, target_prompt))


@dataclass(frozen=True)
class Loss:
    """Which terms a run has; called with the source latent it gives ``x0 -> (B,)``.

    reference (B or 1, C, h, w): in the model's scale
    """

    weights: LossWeights
    latent_clip: FeatureModel | None
    latent_vgg: FeatureModel | None
    texts: Texts | None
    reference: Tensor | None
    signed: bool

    def terms(self) -> list[str]:
        """Names of the terms that count."""
        present = {
            "semantic": self.latent_clip and self.texts,
            "perceptual": self.latent_vgg,
            "reference": self.latent_clip and self.reference is not None,
        }
        return [name for name, there in present.items() if there and getattr(self.weights, name)]

    def feature_models(self) -> list[FeatureModel]:
        """The models that the terms need."""
        terms = self.terms()
        needs_clip = "semantic" in terms or "reference" in terms
        wanted = [self.latent_clip if needs_clip else None]
        wanted.append(self.latent_vgg if "perceptual" in terms else None)
        return [model for model in wanted if model is not None]

    def check(self, space: str) -> None:
        """Raise ValueError when there is nothing to optimise, or a model is of another space."""
        if self.latent_clip is None and (self.texts is not None or self.reference is not None):
            raise ValueError(
                "latent_clip: the semantic and the reference loss need it. Connect "
                "LatentCLIPLoader (docs/latent_models.md says where to get or how to train one for "
                "your VAE), or PixelCLIP, which is slower and needs no extra weights."
            )
        terms = self.terms()
        if not terms:
            raise ValueError(
                "latent_clip: there is nothing to optimise. Connect latent_clip with "
                "source_prompt and target_prompt (text edits) or with reference, or latent_vgg, "
                "and keep the weight of one of them above 0. Or set iterations to 0."
            )
        if terms == ["semantic"] and self.texts is not None and self.texts.equal:
            raise ValueError(
                "target_prompt: it says the same as source_prompt and there is no other loss, so "
                "there is nothing to optimise. Change target_prompt, or connect reference."
            )
        for model in self.feature_models():
            model.require(space)

    def __call__(self, source: Tensor) -> Callable[[Tensor], Tensor]:
        """The loss beside a source (B, C, h, w); what does not change is made once."""
        terms = self.terms()
        clip, vgg, texts, reference = self.latent_clip, self.latent_vgg, self.texts, self.reference
        parts: dict[str, Callable[[Tensor, Tensor], Tensor]] = {}
        if "semantic" in terms and clip is not None and texts is not None:
            of_source = clip.features(source)
            pair = [text.clone().to(source) for text in (texts.source, texts.target)]
            parts["semantic"] = lambda x0, seen: semantic_loss(
                of_source, seen, *pair, signed=self.signed
            )
        if "reference" in terms and clip is not None and reference is not None:
            wanted = clip.features(reference.clone().to(source))
            parts["reference"] = lambda x0, seen: reference_loss(seen, wanted)
        if "perceptual" in terms and vgg is not None:
            outputs = vgg.features(source)
            parts["perceptual"] = lambda x0, seen: perceptual_loss(outputs, vgg.features(x0))

        def loss(x0: Tensor) -> Tensor:
            seen = clip.features(x0) if clip is not None and parts.keys() - {"perceptual"} else x0
            return total_loss({name: part(x0, seen) for name, part in parts.items()}, self.weights)

        return loss


def resized(latent: Tensor, like: Tensor) -> Tensor:
    """A latent bicubically at another's size."""
    return F.interpolate(latent.float(), size=like.shape[-2:], mode="bicubic", align_corners=False)
