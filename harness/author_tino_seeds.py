"""Chooses the seeds of the TiNO-Edit templates: python -m elect_tino.harness.author_tino_seeds

By a rule, on their pictures of the validation split: the first of the seeds 0, 1, 2, ... with which
the edit succeeds, judged by the ground truth; seed 0 where none of them does, which is then said in
the file. Each template is run on the real ComfyUI as a user runs it.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..embedded.world.edits import Edit
from ..embedded.world.examples import truth_of
from ..embedded.world.samples import Sample, describe, rng_for
from ..embedded.world.success import Judge
from .author_workflows import to_workflow
from .server.client import ComfyClient
from .server.comfy_server import ComfyServer
from .workflows.recipes.parts import EXAMPLE, WITH_CIRCLE, Recipe
from .workflows.recipes.tino import SEEDS_FILE, TINO_RECIPES
from .workflows.summary import saved_images
from .workflows.workflow import to_prompt

NUM_SEEDS = 16


def _recoloured() -> Sample:
    return truth_of(EXAMPLE)


def _another(before: Any, after: Any, sample: Sample) -> Sample:
    """A sample whose edit makes one object into another, or adds one."""
    kind = "add" if before is None else "replace"
    return describe(rng_for("val", 0), sample.scene, Edit(kind, before, after))


def _to_circle() -> Sample:
    first = _recoloured()
    item = first.edit.after
    assert item is not None
    return _another(first.edit.before, replace(item, shape="circle"), first)


def _pasted() -> Sample:
    """The other picture's red circle, where it is there."""
    circles = truth_of(WITH_CIRCLE).scene.objects
    (circle,) = (item for item in circles if item.name == "red circle")
    return _another(None, circle, _recoloured())


def _twice() -> Sample:
    """The second edit, on what the first one should have made: the triangle becomes green."""
    first = _recoloured()
    scene = first.edit.apply(first.scene)
    (triangle,) = (item for item in scene.objects if item.shape == "triangle")
    green = replace(triangle, colour="green")
    return describe(rng_for("val", 0), scene, Edit("recolour", triangle, green))


TRUTHS: dict[str, Callable[[], Sample]] = {
    "tino_text": _recoloured,
    "tino_reference": _to_circle,
    "tino_strokes": _recoloured,
    "tino_composition": _pasted,
    "tino_compounded": _twice,
}
"""What each template should make."""


def with_seed(prompt: dict[str, dict], seed: int) -> dict[str, dict]:
    """The prompt with every TiNOOptimize at a seed."""
    return {
        key: {**node, "inputs": {**node["inputs"], "seed": seed}}
        if node["class_type"] == "TiNOOptimize"
        else node
        for key, node in prompt.items()
    }


def edited(client: ComfyClient, prompt: dict[str, dict]) -> np.ndarray:
    """The picture that a run of the prompt saves as the edit, (H, W, 3) in [0, 1]."""
    entry = client.run(prompt, timeout=1800)
    files = saved_images(prompt, entry)
    (file,) = (one for prefix, one in files.items() if prefix.endswith("edited"))
    return np.asarray(client.picture(file).convert("RGB"), dtype=np.float32) / 255


def first_success(succeeds: Callable[[int], bool], number: int) -> tuple[int, bool]:
    """The first seed below `number` that succeeds, and whether any does; 0 where none does."""
    found = next((seed for seed in range(number) if succeeds(seed)), None)
    return (0, False) if found is None else (found, True)


def choose(client: ComfyClient, recipe: Recipe, info: dict, number: int) -> tuple[int, bool]:
    """The seed of one template, and whether its picture is a success."""
    judge = Judge(TRUTHS[recipe.name]())
    prompt = to_prompt(to_workflow(recipe, info), info)

    def succeeds(seed: int) -> bool:
        good = judge.succeeded(edited(client, with_seed(prompt, seed)))
        print(f"{recipe.name}, seed {seed}: {'succeeds' if good else 'fails'}", flush=True)
        return good

    return first_success(succeeds, number)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=NUM_SEEDS, help="to look at (default 16)")
    options = parser.parse_args(arguments)
    recipes = [make() for make in TINO_RECIPES]
    with ComfyServer() as server:
        info = server.object_info()
        found = {recipe.name: choose(server, recipe, info, options.seeds) for recipe in recipes}
    kept = {name: {"seed": seed, "succeeds": good} for name, (seed, good) in found.items()}
    SEEDS_FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
