"""The loss of a TiNO-Edit run, from what is connected; every error names the input to change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...tino_core.losses import (
    LossWeights,
    perceptual_loss,
    reference_loss,
    semantic_loss,
    total_loss,
)
from .latent_models import FeatureModel
from .texts import Texts


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

    @property
    def patchers(self) -> Sequence[ModelPatcher]:
        """Of the models that the terms need, for ComfyUI to load."""
        return [patcher for one in self.feature_models() for patcher in one.patchers]

    def memory(self, shape: Sequence[int]) -> float:
        """Bytes that its gradients keep for latents of a shape (B, C, h, w)."""
        return sum(one.memory(shape) for one in self.feature_models())

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
