"""TiNO-Edit: mask, latent models -> loss -> optimise."""

from . import kinds, latent_models, mask, optimise, rewards

NODES = [*latent_models.NODES, *mask.NODES, *optimise.NODES, *kinds.NODES, *rewards.NODES]
