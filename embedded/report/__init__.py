"""Measures what ships and writes docs/embedded.md and docs/embedded_latent_models.md."""
