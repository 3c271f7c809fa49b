"""InstructDiffusion's three-way guidance as a ComfyUI guider."""

import comfy.samplers


class Guider_InstructDiffusion(comfy.samplers.CFGGuider):  # noqa: N801 - as ComfyUI names guiders
    """Guides by ``0.5 (i + x) + s_T (t - i) + s_I (t - x)`` (InstructDiffusion's released rule).

    t sees text and picture (`positive`), i the picture alone (`negative`), x the text alone
    (`text_only`).
    """

    def set_conds(self, positive: list, negative: list, text_only: list) -> None:
        """The three CONDITIONINGs."""
        self.inner_set_conds({"positive": positive, "negative": negative, "text_only": text_only})

    def set_cfg(self, text: float, image: float) -> None:
        """Scales s_T and s_I."""
        self.cfg, self.image_cfg = text, image

    def predict_noise(self, x, timestep, model_options=None, seed=None):
        """The guided denoised latent, (N, C, h, w)."""
        options = model_options or {}
        names = ("positive", "negative", "text_only")
        conds = [self.conds[name] for name in names]
        both, image, text = comfy.samplers.calc_cond_batch(
            self.inner_model, conds, x, timestep, options
        )
        # Through cfg_function, so that hooks on the guidance see text against no text.
        guided = comfy.samplers.cfg_function(
            self.inner_model,
            both,
            image,
            self.cfg,
            x,
            timestep,
            model_options=options,
            cond=self.conds["positive"],
            uncond=self.conds["negative"],
        )
        return guided + 0.5 * (text - image) + self.image_cfg * (both - text)
