"""TiNO-Edit (CVPR 2024): edit by gradient descent on the input noise and the timesteps.

Shape letters used in every docstring of this package:

    B  images         C  latent channels     K  denoising steps     W  iterations
    h w  latent size  H W  image size        D  feature size

The stages, in the order the data flows:

    masks       what may change; clipseg finds words in a picture
    weights     files of the latent models
    latent_clip, latent_vgg   features of a latent
    losses      features of source and result -> one number an image
    schedule    continuous timesteps          -> how much signal is left
    settings    the numbers of a run
    denoise     noise and timesteps           -> a result
    shells      where noise may move
    descent     a gradient                    -> an update of the noise
    record      each picture's best so far
    optimise    all of it: Algorithm 1
"""

from .losses import LossWeights, perceptual_loss, reference_loss, semantic_loss, total_loss
from .masks import changed_words, difference_mask, soften, whole_mask
from .optimise import optimise
from .record import Optimised
from .schedule import NoiseSchedule
from .settings import Settings

__all__ = [
    "LossWeights",
    "NoiseSchedule",
    "Optimised",
    "Settings",
    "changed_words",
    "difference_mask",
    "optimise",
    "perceptual_loss",
    "reference_loss",
    "semantic_loss",
    "soften",
    "total_loss",
    "whole_mask",
]
