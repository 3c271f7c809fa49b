"""The loss of a TiNO-Edit run, from what is connected; every error names the input to change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...tino_core.losses import (
    PAPER,
    TEXT_LOSSES,
    LossWeights,
    Total,
    perceptual_loss,
    reference_loss,
    semantic_loss,
    weighted_terms,
)
from ...tino_core.smoothing import noisy_copies, noisy_draws
from .latent_models import FeatureModel
from .rewards import Reward
from .texts import Texts


@dataclass(frozen=True)
class Smoothing:
    """Over how many noisy copies of a result the CLIP terms are averaged; 0 is the result alone.

    sigma: standard deviation of what is added, in the model's scale; seed: of the draws
    """

    copies: int = 0
    sigma: float = 0.6
    seed: int = 0


NONE = Smoothing()


@dataclass(frozen=True)
class Loss:
    """Which terms a run has; called with the source latent it gives ``x0 -> (B,)``.

    reference (B or 1, C, h, w): in the model's scale; text_loss: a key of TEXT_LOSSES
    why: the paper's was taken where the choice was left to the node; empty else
    """

    weights: LossWeights
    latent_clip: FeatureModel | None
    latent_vgg: FeatureModel | None
    texts: Texts | None
    reference: Tensor | None
    signed: bool = False
    text_loss: str = PAPER
    smoothing: Smoothing = NONE
    rewards: tuple[Reward, ...] = ()
    why: str = ""

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
        models = (*self.feature_models(), *self.rewards)
        return [patcher for one in models for patcher in one.patchers]

    def memory(self, shape: Sequence[int]) -> float:
        """Bytes that its gradients keep for latents of a shape (B, C, h, w)."""
        return sum(one.memory(shape) for one in (*self.feature_models(), *self.rewards))

    def check(self, space: str) -> None:
        """Raise ValueError when there is nothing to optimise, or a model is of another space."""
        if self.latent_clip is None and (self.texts is not None or self.reference is not None):
            raise ValueError(
                "latent_clip: the semantic and the reference loss need it. Connect "
                "LatentCLIPLoader (docs/latent_models.md says where to get or how to train one for "
                "your VAE), or PixelCLIP, which is slower and needs no extra weights."
            )
        terms = self.terms()
        if not terms and not any(reward.weight for reward in self.rewards):
            raise ValueError(
                "latent_clip: there is nothing to optimise. Connect latent_clip with "
                "source_prompt and target_prompt (text edits) or with reference, or latent_vgg, or "
                "reward, and keep the weight of one of them above 0. Or set iterations to 0."
            )
        alone = terms == ["semantic"] and not self.rewards
        if alone and self.texts is not None and self.texts.equal:
            raise ValueError(
                "target_prompt: it says the same as source_prompt and there is no other loss, so "
                "there is nothing to optimise. Change target_prompt, or connect reference."
            )
        for model in self.feature_models():
            model.require(space)

    def __call__(self, source: Tensor) -> Total:
        """The loss beside a source (B, C, h, w); what does not change is made once."""
        parts = self._parts(source)
        draws = noisy_draws(self.smoothing.copies, source.shape, self.smoothing.seed).to(source)

        def terms(x0: Tensor) -> dict[str, Tensor]:
            seen = self._seen(x0, draws) if parts.keys() - {"perceptual"} else x0
            values = {name: part(x0, seen) for name, part in parts.items()}
            weighted = weighted_terms(values, self.weights) if values else {}
            return weighted | self._rewarded(x0)

        return Total(terms)

    def _rewarded(self, x0: Tensor) -> dict[str, Tensor]:
        """The rewards as terms to minimise, numbered where names repeat."""
        names = [reward.name for reward in self.rewards]
        return {
            f"{name} {number}" if names.count(name) > 1 else name: reward.loss(x0)
            for number, (name, reward) in enumerate(zip(names, self.rewards, strict=True), 1)
        }

    def _seen(self, x0: Tensor, draws: Tensor) -> Tensor:
        """Features of the result, (1, B, D), or of its noisy copies, (S, B, D)."""
        assert self.latent_clip is not None
        if not len(draws):
            return self.latent_clip.features(x0)[None]
        copies = noisy_copies(x0, draws, self.smoothing.sigma)
        return self.latent_clip.features(copies).unflatten(0, (len(draws), len(x0)))

    def _parts(self, source: Tensor) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
        """Terms by name, unweighted: ``result (B, C, h, w), its features -> (B,)``."""
        terms = self.terms()
        clip, vgg, texts, reference = self.latent_clip, self.latent_vgg, self.texts, self.reference
        parts: dict[str, Callable[[Tensor, Tensor], Tensor]] = {}
        if "semantic" in terms and clip is not None and texts is not None:
            of_source = clip.features(source)
            now, wished = (text.clone().to(source) for text in (texts.source, texts.target))
            signed = self.signed and self.text_loss == PAPER
            compare = partial(semantic_loss, signed=True) if signed else TEXT_LOSSES[self.text_loss]
            parts["semantic"] = lambda x0, seen: compare(of_source, seen, now, wished).mean(0)
        if "reference" in terms and clip is not None and reference is not None:
            wanted = clip.features(reference.clone().to(source))
            parts["reference"] = lambda x0, seen: reference_loss(seen, wanted).mean(0)
        if "perceptual" in terms and vgg is not None:
            outputs = vgg.features(source)
            parts["perceptual"] = lambda x0, seen: perceptual_loss(outputs, vgg.features(x0))
        return parts
