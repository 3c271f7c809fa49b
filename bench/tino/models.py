"""The embedded model that draws from captions, its losses, and the networks that judge."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...embedded.model.comfyui import load_embedded, load_unet
from ...embedded.model.observers import load_observer, load_teacher_clip, load_teacher_text
from ...embedded.model.shipped import VARIANTS, WEIGHTS, shipped_latents
from ...embedded.model.vae import load_shipped_vae
from ...nodes.tino.latent_models import EMBEDDED, FeatureModel, LatentCLIPLoader, LatentVGGLoader
from ...nodes.tino.latents import latent_mask
from ...nodes.tino.loss import Loss, Smoothing
from ...nodes.tino.texts import Texts
from ...tino_core.losses import LossWeights
from ..edits import EditBench
from .setups import PAPERS, Setup
from .tasks import Task

DRAWING, FEW_STEP = "drawing", ("drawing_4", "drawing_2", "drawing_1")
_RUN_BY = (
    *(DRAWING, *FEW_STEP),
    *("text_encoder", "text_projection", "vae", "latent_clip", "latent_vgg"),
)
_JUDGED_BY = (*_RUN_BY, "teacher_clip", "observer")


def as_batch(pictures: Sequence[np.ndarray]) -> Tensor:
    """IMAGE (B, H, W, 3) of pictures (H, W, 3)."""
    return torch.from_numpy(np.stack(pictures))


class TinoBench:
    """Everything that is loaded once.

    run_fingerprint, judge_fingerprint: name the weights that make results and measurements, as they
    were when this was made
    """

    def __init__(self, cfg: float = 1.0):
        self.run_fingerprint = EditBench.fingerprint(*_RUN_BY)
        self.judge_fingerprint = EditBench.fingerprint(*_JUDGED_BY)
        self.model, self.clip, self.vae = load_embedded(variant=DRAWING)
        self._unets = {DRAWING: self.model}
        self.coder = load_shipped_vae()  # the same function as the VAE, in a fifth of the time
        self.cfg = cfg

    @cached_property
    def latent_clip(self) -> FeatureModel:
        return LatentCLIPLoader.execute(EMBEDDED).args[0]

    @cached_property
    def latent_vgg(self) -> FeatureModel:
        return LatentVGGLoader.execute(EMBEDDED).args[0]

    @cached_property
    def teacher_clip(self):
        return load_teacher_clip()

    @cached_property
    def teacher_text(self):
        return load_teacher_text()

    @cached_property
    def observer(self):
        return load_observer()

    def unet(self, variant: str) -> ModelPatcher:
        """The MODEL of a name in shipped.VARIANTS, whose latents must be scaled as drawing's."""
        if variant not in self._unets:
            assert shipped_latents(VARIANTS[variant].file) == shipped_latents(
                VARIANTS[DRAWING].file
            )
            self._unets[variant] = load_unet(WEIGHTS / VARIANTS[variant].file)
        return self._unets[variant]

    def conditioning(self, texts: Sequence[str]) -> list:
        """One CONDITIONING for a batch, each picture with its own text."""
        parts = [self.clip.encode_from_tokens_scheduled(self.clip.tokenize(t))[0] for t in texts]
        pooled = torch.cat([extra["pooled_output"] for _, extra in parts])
        return [[torch.cat([cond for cond, _ in parts]), {"pooled_output": pooled}]]

    def encode(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """LATENT samples (B, C, h, w)."""
        return self.coder.encode(as_batch(pictures).movedim(-1, 1))

    def decode(self, latents: Tensor) -> np.ndarray:
        """Pictures (B, H, W, 3) in [0, 1] of LATENT samples."""
        return self.coder.decode(latents).movedim(1, -1).numpy()

    def masks(self, batch: Sequence[Task], source: Tensor) -> Tensor:
        """Masks (B, 1, h, w) as TiNOOptimize takes them."""
        return latent_mask(as_batch([task.mask for task in batch]), {"samples": source})

    def loss(
        self,
        batch: Sequence[Task],
        latent_clip: FeatureModel | None = None,
        setup: Setup = PAPERS,
    ) -> Loss:
        """The setup's terms; the reference loss in place of the texts where there is one."""
        reference = texts = None
        pictures = [task.reference for task in batch if task.reference is not None]
        if pictures:
            reference = self.model.model.process_latent_in(self.encode(pictures))
        if not pictures or setup.text_and_reference:
            pair = ([t.edit.source_caption for t in batch], [t.edit.caption for t in batch])
            texts = Texts(*(self.conditioning(side)[0][1]["pooled_output"] for side in pair))
        return Loss(
            LossWeights(setup.semantic, setup.perceptual),
            latent_clip or self.latent_clip,
            self.latent_vgg,
            texts,
            reference,
            signed=setup.signed,
            text_loss=setup.text_loss,
            smoothing=Smoothing(setup.copies),
        )
