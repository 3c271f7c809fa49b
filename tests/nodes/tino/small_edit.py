"""What the tests of TiNOOptimize hand to it: options, text features, a LatentCLIP's sizes."""

import torch

LATENT_CLIP = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "projection_dim": 16,
    "num_channels": 4,
    "image_size": 16,
    "patch_size": 4,
    "hidden_act": "quick_gelu",
}
OPTIONS = {
    "cfg": 1.0,
    "num_steps": 3,
    "strength": 0.7,
    "iterations": 4,
    "seed": 11,
    "lr_timesteps": 1.0,
    "lr_noise": 0.05,
    "weight_decay": 0.0,
    "semantic_weight": 1.0,
    "perceptual_weight": 0.5,
    "reference_weight": 1.0,
}


def pooled(seed: int) -> list:
    """A CONDITIONING of random text features with a pooled one."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(1, 7, 16, generator=generator)
    return [[features, {"pooled_output": torch.randn(1, 24, generator=generator)}]]


def ksampler(model, positive, seed: int = 3):
    """What an ordinary KSampler gives."""
    import comfy.sample

    latent = torch.zeros(1, 4, 10, 8)
    noise = comfy.sample.prepare_noise(latent, seed)
    with torch.inference_mode():
        return comfy.sample.sample(
            model, noise, 4, 1.0, "euler", "normal", positive, positive, latent, seed=seed
        )


def cells(mask: torch.Tensor) -> torch.Tensor:
    return mask[:, ::8, ::8][:, None]


@torch.inference_mode()
def by_host(model, noise, sigmas, positive, latent):
    """What ComfyUI's own euler makes of a noise, without guidance."""
    import comfy.sample
    import comfy.samplers

    euler = comfy.samplers.sampler_object("euler")
    both = (positive, positive)
    return comfy.sample.sample_custom(
        model, noise, 1.0, euler, sigmas, *both, latent, disable_pbar=True
    )
