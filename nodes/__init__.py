"""The pack's nodes, one file a stage; `host` alone knows ComfyUI's samplers and guiders."""

from comfy_api.latest import ComfyExtension, io

from . import candidates, elect, embedded, estimate, relevance, resume, score

NODES: list[type[io.ComfyNode]] = [
    *candidates.NODES,
    *estimate.NODES,
    *relevance.NODES,
    *score.NODES,
    *resume.NODES,
    *elect.NODES,
    *embedded.NODES,
]


class EditExtension(ComfyExtension):
    """What ComfyUI asks for the node classes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
