"""The one place that knows ComfyUI: its GUIDER, SAMPLER, LATENT, MASK as plain data and calls.

conditions  which condition is the text and which the null text; the source latent
latents     LATENT, MASK and IMAGE against the kernels' shapes
preview     progress over all candidates, with a picture of each

elect        candidates through a sampler
tino         optimisation inside a sampler
edit_models  models, a guidance rule and a language model that ComfyUI does not have
"""
