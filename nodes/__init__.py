"""The pack's nodes, a folder a subject; `host` alone knows ComfyUI's samplers and guiders."""

from comfy_api.latest import ComfyExtension, io

from . import edit_models, elect, embedded, judging, tino

NODES: list[type[io.ComfyNode]] = [
    *elect.NODES,
    *edit_models.NODES,
    *tino.NODES,
    *judging.NODES,
    *embedded.NODES,
]


class EditExtension(ComfyExtension):
    """What ComfyUI asks for the node classes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
