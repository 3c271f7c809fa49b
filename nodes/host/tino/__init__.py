"""TiNO-Edit inside a sampler: steps, gradients through ComfyUI's models, fractional timesteps."""
