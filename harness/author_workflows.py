"""Writes workflows/*.json and, from real runs on the embedded model, workflows/*.jpg.

    python3 dev.py python -m elect_tino.harness.author_workflows               # all of them
    python3 dev.py python -m elect_tino.harness.author_workflows --only demo   # names with "demo"
    python3 dev.py python -m elect_tino.harness.author_workflows --no-thumbnails

What a workflow holds is in `workflows/recipes`. Widgets
that a recipe does not name get the nodes' defaults, so run this again when those change. Thumbnails
show what the embedded model made. The editing models that people download are not run here: their
thumbnails are drawings of their graphs. Each file is written on one ComfyUI, since it holds the
widgets of that one's nodes: the pinned one, or the newer one that its recipe names.
"""

import argparse
import json
from pathlib import Path

from .server.comfy_server import PACK_ROOT, ComfyServer
from .setup.hosts import DEFAULT_HOST
from .workflows import frames, layout
from .workflows.arrangement import arrange
from .workflows.recipes.edit_models import EDIT_RECIPES
from .workflows.recipes.elect import RECIPES
from .workflows.recipes.judged import JUDGED_RECIPES
from .workflows.recipes.kept import KEPT_RECIPES
from .workflows.recipes.parts import Recipe
from .workflows.recipes.prompts import PROMPT_RECIPES
from .workflows.recipes.races import RACE_RECIPES
from .workflows.recipes.tino import TINO_RECIPES
from .workflows.recipes.titles import NODE_TITLES, title_of
from .workflows.room import room_for

FOLDER = PACK_ROOT / "workflows"
ALL_RECIPES = (
    *RECIPES,
    *RACE_RECIPES,
    *KEPT_RECIPES,
    *PROMPT_RECIPES,
    *EDIT_RECIPES,
    *TINO_RECIPES,
    *JUDGED_RECIPES,
)
COLOURS = ("#3f789e", "#8a6d3b", "#5b4b8a", "#3f7f5f", "#7a4a5b", "#6b6b3a", "#4a6a7a")


def path_of(name: str, folder: Path = FOLDER) -> Path:
    """The file of a recipe; its name is the title that the template browser shows."""
    return folder / f"{title_of(name)}.json"


def numbered(recipe: Recipe) -> tuple[dict[str, dict], dict[str, str]]:
    """The recipe as an API prompt, and the id each node got."""
    ids = {name: str(number) for number, name in enumerate(recipe.nodes, start=1)}

    def wired(value: object) -> object:
        return [ids[value[0]], value[1]] if isinstance(value, tuple) else value

    prompt = {
        ids[name]: {
            **node,
            "inputs": {key: wired(value) for key, value in node["inputs"].items()},
        }
        for name, node in recipe.nodes.items()
    }
    return prompt, ids


def short_titles(recipe: Recipe) -> dict[str, str]:
    """Titles of the nodes that the recipe gives none, where their names are long."""
    kinds = {name: node["class_type"] for name, node in recipe.nodes.items() if "_meta" not in node}
    return {name: NODE_TITLES[kind] for name, kind in kinds.items() if kind in NODE_TITLES}


def to_workflow(recipe: Recipe, object_info: dict) -> dict:
    """The recipe as a workflow file."""
    prompt, ids = numbered(recipe)
    natural = {name: room_for(prompt[ids[name]], object_info) for name in recipe.nodes}
    natural |= recipe.sizes
    places, sizes, note = arrange(recipe, natural)
    groups = [
        frames.Group(section.title, [ids[name] for name in section.nodes], colour)
        for section, colour in zip(recipe.sections, COLOURS, strict=False)
    ]
    return layout.to_ui(
        prompt,
        object_info,
        positions={ids[name]: place for name, place in places.items()},
        sizes={ids[name]: size for name, size in sizes.items()},
        groups=groups,
        notes=[note],
        titles={ids[name]: title for name, title in short_titles(recipe).items()},
        properties={ids[name]: given for name, given in recipe.properties.items()},
    )


def write(recipe: Recipe, object_info: dict, folder: Path = FOLDER) -> dict:
    """Write one workflow file and return what is in it."""
    workflow = to_workflow(recipe, object_info)
    text = json.dumps(workflow, indent=1, ensure_ascii=False) + "\n"
    folder.mkdir(exist_ok=True)
    path_of(recipe.name, folder).write_text(text, encoding="utf-8")
    return workflow


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="workflows with this in their name")
    parser.add_argument("--no-thumbnails", action="store_true", help="write the JSON files alone")
    args = parser.parse_args(argv)
    from .pictures.graph import draw_graph
    from .pictures.thumbnails import make_thumbnail

    recipes = [recipe for recipe in (make() for make in ALL_RECIPES) if args.only in recipe.name]
    with ComfyServer() as server:
        here = server.system_stats()["system"]["comfyui_version"]
        skipped = [one for one in recipes if (one.host or DEFAULT_HOST) != here]
        for recipe in skipped:
            print(f"{recipe.name}: left as it is, written on {recipe.host or DEFAULT_HOST} only")
        recipes = [recipe for recipe in recipes if recipe not in skipped]
        object_info = server.object_info()
        for recipe in recipes:
            workflow = write(recipe, object_info)
            if not args.no_thumbnails:
                picture = path_of(recipe.name).with_suffix(".jpg")
                runs_here = any(n["type"] == "EmbeddedModelLoader" for n in workflow["nodes"])
                draw = make_thumbnail if runs_here else draw_graph
                print(draw(server, workflow, picture), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
