"""Writes subgraphs/*.json, what is dropped into a graph as one node:

    python3 dev.py python -m elect_tino.harness.author_blueprints

What a blueprint holds is in `workflows/recipes/blueprints.py`. Run this again when defaults of the
nodes in it change.
"""

import json
from pathlib import Path

from .server.comfy_server import PACK_ROOT, ComfyServer
from .workflows.blueprint import to_file
from .workflows.recipes.blueprints import BLUEPRINTS, Blueprint

FOLDER = PACK_ROOT / "subgraphs"


def path_of(blueprint: Blueprint) -> Path:
    """A blueprint's file; its name is what the node library shows."""
    return FOLDER / f"{blueprint.title}.json"


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    with ComfyServer() as server:
        object_info = server.object_info()
    for blueprint in (make() for make in BLUEPRINTS):
        text = json.dumps(to_file(blueprint, object_info), indent=1, ensure_ascii=False) + "\n"
        path_of(blueprint).write_text(text, encoding="utf-8")
        print(path_of(blueprint))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
