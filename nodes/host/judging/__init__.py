"""Models that see, as ComfyUI has them: a CLIP that writes, a folder of transformers, features."""
