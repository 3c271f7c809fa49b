"""Writes workflows/*.json and, from real runs on the embedded model, workflows/*.jpg.

    python3 dev.py python -m elect_tino.harness.author_workflows               # all of them
    python3 dev.py python -m elect_tino.harness.author_workflows --only demo   # names with "demo"
    python3 dev.py python -m elect_tino.harness.author_workflows --no-thumbnails

What a workflow holds is in `workflows/recipes`. Widgets
that a recipe does not name get the nodes' defaults, so run this again when those change. Thumbnails
show what the embedded model made; workflows for InstructPix2Pix's checkpoint are run with it in its
place. The other editing models are too large to be run here: their thumbnails are pictures of the
graph, which needs Chromium. Each file is written on one ComfyUI, since it holds the widgets of that
one's nodes: the pinned one, or the newer one that its recipe names.
"""

import argparse
import json
from pathlib import Path

from .server.comfy_server import PACK_ROOT, ComfyServer
from .setup.hosts import DEFAULT_HOST
from .workflows import frames, layout
from .workflows.recipes.edit_models import EDIT_RECIPES
from .workflows.recipes.elect import RECIPES
from .workflows.recipes.kept import KEPT_RECIPES
from .workflows.recipes.parts import Recipe
from .workflows.recipes.prompts import PROMPT_RECIPES
from .workflows.recipes.races import RACE_RECIPES
from .workflows.recipes.tino import TINO_RECIPES
from .workflows.widgets import node_inputs

FOLDER = PACK_ROOT / "workflows"
ALL_RECIPES = (
    *RECIPES,
    *RACE_RECIPES,
    *KEPT_RECIPES,
    *PROMPT_RECIPES,
    *EDIT_RECIPES,
    *TINO_RECIPES,
)
WIDTH, GAP, FRAME_GAP, TITLE = 400, 30, 80, 30
NOTE_LINE, NOTE_CHARACTERS, NOTE_MARGIN = 15, 60, 40
COLOURS = ("#3f789e", "#8a6d3b", "#5b4b8a", "#3f7f5f", "#7a4a5b")
# Nodes that grow by the pictures and tables they show.
BIGGER = {"BISSelect": (560, 860), "ELECTRace": (560, 1140), "ELECTSampler": (560, 1040)}
TALLER = {
    "MGIEConditioning": 80,
    "MultiSeedPartialSampler": 300,
    "ResumeDenoise": 240,
    "TiNOOptimize": 360,
}
PICTURE_SIDE = 280


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


def size_of(node: dict, object_info: dict) -> frames.Size:
    """Room for a node as the frontend draws it, with what it will show after a run."""
    kind = node["class_type"]
    info = object_info[kind]
    width, height = layout.node_size(node, node_inputs(info), object_info)
    if kind in BIGGER:
        return BIGGER[kind]
    if kind in layout.PICTURE_NODES:
        height += PICTURE_SIDE - layout.PICTURE
    return max(width, WIDTH), height + TALLER.get(kind, 0)


def note_height(text: str, width: float) -> float:
    """About the height of a rendered note: its lines as they wrap."""
    per_line = NOTE_CHARACTERS * width / WIDTH
    paragraphs = [" ".join(part.split("\n")) for part in text.split("\n\n")]
    bullets = [line for part in paragraphs for line in part.split(" - ")]
    lines = sum(1 + len(line) // per_line for line in bullets) + 0.6 * len(paragraphs)
    return NOTE_MARGIN + NOTE_LINE * lines


def arrange(
    recipe: Recipe, sizes: dict[str, frames.Size]
) -> tuple[dict[str, frames.Position], list[frames.Note]]:
    """One column for each section: its note on top, its nodes below."""
    places, notes, left = {}, [], 0.0
    highest = max(note_height(s.note, section_width(s, sizes)) for s in recipe.sections)
    for section in recipe.sections:
        width = section_width(section, sizes)
        height = note_height(section.note, width)
        above = frames.MARGIN + frames.HEADING + 2 * TITLE
        notes.append(frames.Note(section.note, (left, highest - height), (width, height), "About"))
        top = highest + above
        for name in section.nodes:
            places[name] = (left, top)
            top += sizes[name][1] + TITLE + GAP
        left += width + FRAME_GAP
    return places, notes


def section_width(section, sizes: dict[str, frames.Size]) -> float:
    return max(sizes[name][0] for name in section.nodes)


def to_workflow(recipe: Recipe, object_info: dict) -> dict:
    """The recipe as a workflow file."""
    prompt, ids = numbered(recipe)
    sizes = {name: size_of(prompt[ids[name]], object_info) for name in recipe.nodes}
    for section in recipe.sections:
        width = section_width(section, sizes)
        sizes |= {name: (width, sizes[name][1]) for name in section.nodes}
    places, notes = arrange(recipe, sizes)
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
        notes=notes,
        properties={ids[name]: given for name, given in recipe.properties.items()},
    )


def write(recipe: Recipe, object_info: dict, folder: Path = FOLDER) -> dict:
    """Write one workflow file and return what is in it."""
    workflow = to_workflow(recipe, object_info)
    text = json.dumps(workflow, indent=1, ensure_ascii=False) + "\n"
    folder.mkdir(exist_ok=True)
    (folder / f"{recipe.name}.json").write_text(text, encoding="utf-8")
    return workflow


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="workflows with this in their name")
    parser.add_argument("--no-thumbnails", action="store_true", help="write the JSON files alone")
    args = parser.parse_args(argv)
    from .pictures.thumbnails import draw_graphs, make_thumbnail

    drawn = {make().name for make in EDIT_RECIPES}
    recipes = [recipe for recipe in (make() for make in ALL_RECIPES) if args.only in recipe.name]
    with ComfyServer() as server:
        here = server.system_stats()["system"]["comfyui_version"]
        skipped = [one for one in recipes if (one.host or DEFAULT_HOST) != here]
        for recipe in skipped:
            print(f"{recipe.name}: left as it is, written on {recipe.host or DEFAULT_HOST} only")
        recipes = [recipe for recipe in recipes if recipe not in skipped]
        object_info = server.object_info()
        workflows = {recipe.name: write(recipe, object_info) for recipe in recipes}
        if args.no_thumbnails:
            return 0
        for name in workflows.keys() - drawn:
            print(make_thumbnail(server, name, workflows[name], FOLDER), flush=True)
        graphs = {name: workflows[name] for name in workflows.keys() & drawn}
        if graphs:
            draw_graphs(server, graphs, FOLDER)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
