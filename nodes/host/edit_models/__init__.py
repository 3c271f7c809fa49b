"""Editing models as ComfyUI's classes: told by the MODEL, or built where its loaders cannot."""
