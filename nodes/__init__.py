"""The pack's nodes, one file a stage; `host` alone knows ComfyUI's samplers and guiders."""

from comfy_api.latest import ComfyExtension, io

from . import (
    edit_defaults,
    edit_model_loader,
    edit_size,
    elect,
    embedded,
    estimate,
    instruct_diffusion,
    latent_models,
    mgie,
    partial,
    relevance,
    resume,
    select,
    tino,
    tino_mask,
    ultraedit,
)

NODES: list[type[io.ComfyNode]] = [
    *partial.NODES,
    *estimate.NODES,
    *relevance.NODES,
    *select.NODES,
    *resume.NODES,
    *elect.NODES,
    *edit_defaults.NODES,
    *edit_model_loader.NODES,
    *edit_size.NODES,
    *ultraedit.NODES,
    *instruct_diffusion.NODES,
    *mgie.NODES,
    *latent_models.NODES,
    *tino_mask.NODES,
    *tino.NODES,
    *embedded.NODES,
]


class EditExtension(ComfyExtension):
    """What ComfyUI asks for the node classes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
