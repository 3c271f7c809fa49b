"""The TiNO-Edit nodes as they are shown."""

from .look import Look, names

_CLIP = "Image features of latents, for TiNO Optimize."

LOOKS: dict[str, Look] = {
    "TiNOOptimize": Look(
        name="Edit by Optimising Noise: TiNO Optimize",
        search=("tino edit", "edit by text", "reference edit", "strokes", "composition", "blend"),
        advanced=names(
            "cfg num_steps lr_timesteps lr_noise weight_decay semantic_weight "
            "perceptual_weight reference_weight negative latent_vgg source_text target_text "
            "reference start signed gradient_steps patience result text_loss tries smoothing "
            "keep_norm defaults optimiser gradient_norm longest_step white_noise least_gain reward "
            "first_noise sigmas"
        ),
        outputs=(
            "The edit as LATENT; it may be the source of a further edit.",
            "The noise that was found, for SamplerCustomAdvanced.",
            "The timesteps that were found and what the losses were, as text.",
            "How the loss fell; the dot is the iteration that was taken.",
            "The timesteps of the first picture as SIGMAS.",
        ),
    ),
    "TiNOPreset": Look(
        search=("tino defaults", "tries", "paper settings"),
        outputs=("For defaults of TiNO Optimize.", "What it sets, as text."),
    ),
    "TiNOReward": Look(
        search=("reward", "saturation", "brightness", "contrast", "warmth"),
        outputs=("For reward of TiNO Optimize.",),
    ),
    "TiNOMask": Look(
        name="What May Change: TiNO Mask",
        search=("edit mask", "clipseg", "text mask", "difference mask"),
        advanced=names("threshold tolerance soft_edge"),
        outputs=("MASK at the picture's size: 1 may change, 0 stays.",),
    ),
    "LatentCLIPLoader": Look(
        search=("latent clip",), advanced=names("latent_space text_space"), outputs=(_CLIP,)
    ),
    "LatentVGGLoader": Look(
        search=("latent vgg", "perceptual loss", "lpips"),
        advanced=names("latent_space"),
        outputs=("Perceptual features of latents, for TiNO Optimize.",),
    ),
    "PixelCLIP": Look(
        search=("clip loss", "pixel clip"), advanced=names("text_space"), outputs=(_CLIP,)
    ),
}
