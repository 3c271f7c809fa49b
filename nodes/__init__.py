"""The pack's nodes, a folder a subject; `host` alone knows ComfyUI's samplers and guiders."""

from comfy_api.latest import ComfyExtension, io

from . import edit_models, elect, embedded, judging, tino
from .look import with_look
from .wires import only_wires

NODES: list[type[io.ComfyNode]] = [
    only_wires(with_look(node))
    for room in (elect, edit_models, tino, judging, embedded)
    for node in room.NODES
]


class EditExtension(ComfyExtension):
    """What ComfyUI asks for the node classes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return NODES
