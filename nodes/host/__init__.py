"""The one place that knows ComfyUI: its GUIDER, SAMPLER, LATENT, MASK as plain data and calls.

conditions  which condition is the text and which the null text; the source latent
latents     LATENT, MASK and IMAGE against the kernels' shapes
batching    what can run side by side and still be true to each seed, and how many of it
noise       each candidate's own noise, whoever runs beside it
taped       a guider that records, stops and replays
run         candidates through a sampler, in chunks
preview     progress over all candidates, with a picture of each

families    which editing model a MODEL is, and its schedule
edit_models, ultraedit, diffusers_folder
            models that ComfyUI's loaders do not recognise, built from its own classes
instruct_diffusion, mgie
            a guidance rule, and a language model, that ComfyUI does not have

optimising, gradients, continuous
            TiNO-Edit inside a sampler: its steps, gradients through ComfyUI's models, fractional
            timesteps
"""
