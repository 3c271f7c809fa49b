"""Editing models: what each wants (defaults, size), its loader, its conditioning, its guider."""

from . import defaults, instruct_diffusion, loader, mgie, size, ultraedit

NODES = [
    *defaults.NODES,
    *loader.NODES,
    *size.NODES,
    *ultraedit.NODES,
    *instruct_diffusion.NODES,
    *mgie.NODES,
]
