"""How much room a template leaves a node: as it is drawn by the frontend that draws it largest.

Nodes 2.0 give a row of a node more height than the canvas does; theirs were measured in 1.49.6 and
1.58.1 (1.32.9 makes them higher still, and spreads all nodes apart by itself). Inputs that the pack
folds away take no room; a button takes their place.
"""

from collections.abc import Mapping

from ..server.comfy_server import PACK_LINK
from .frames import Size
from .layout import PICTURE_NODES, links_in
from .widgets import node_inputs

WIDTH = 260
EDGES, SLOT, ROW, TEXT = 38, 20, 28, 80
"""Of Nodes 2.0: above and below, with a line that says an error; a socket, a widget, a text."""
PICTURE, LEAST = 210, 60
BIGGER = {"BISSelect": (420, 880), "ELECTSampler": (420, 1000), "ELECTRace": (420, 900)}
"""Nodes with a gallery: as much of it as can be seen at once with the rest."""
TALLER = {
    "EmbeddedExample": PICTURE + 24,
    "MGIEConditioning": 80,
    "MultiSeedPartialSampler": PICTURE + 56,
    "ResumeDenoise": PICTURE + 40,
    "TiNOOptimize": 620,
    "VLMEndpoint": 30,
}
"""Text boxes, and pictures while a node works or after: as much as Nodes 2.0 make it grow."""


def room_for(node: dict, object_info: Mapping[str, dict]) -> Size:
    """Width and height of a prompt's node without its title, with what it shows after a run."""
    kind, info = node["class_type"], object_info[node["class_type"]]
    if kind in BIGGER:
        return BIGGER[kind]
    inputs, wired = node_inputs(info), links_in(node)
    folds = info["python_module"].endswith(PACK_LINK)
    widgets = [one for one in inputs if one.is_widget]
    folded = [one for one in widgets if folds and one.advanced and one.name not in wired]
    shown = [one for one in widgets if one not in folded]
    sockets = sum(not one.is_widget for one in inputs)
    rows = sum(len(one.fillers) + (not one.multiline) for one in shown) + bool(folded)
    texts = sum(one.multiline for one in shown)
    height = EDGES + SLOT * max(sockets, len(info["output"])) + ROW * rows + TEXT * texts
    height += PICTURE * (kind in PICTURE_NODES) + TALLER.get(kind, 0)
    return WIDTH, max(height, LEAST)
