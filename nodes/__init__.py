"""The pack's nodes, one file a stage; `host` alone knows ComfyUI's samplers and guiders."""

from comfy_api.latest import ComfyExtension, io

from . import elect, embedded, estimate, partial, relevance, resume, select

NODES: list[type[io.ComfyNode]] = [
    *partial.NODES,
    *estimate.NODES,
    *relevance.NODES,
    *select.NODES,
    *resume.NODES,
    *elect.NODES,
    *embedded.NODES,
]


class EditExtension(ComfyExtension):
    """What ComfyUI asks for the node classes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
