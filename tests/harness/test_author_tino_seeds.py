"""The rule by which the TiNO-Edit templates get their seeds."""

import json

import numpy as np

from elect_tino.embedded.world.success import Judge
from elect_tino.harness.author_tino_seeds import TRUTHS, first_success, with_seed
from elect_tino.harness.author_workflows import path_of
from elect_tino.harness.workflows.recipes.tino import SEEDS_FILE, TINO_RECIPES, seed_of


def test_the_first_seed_that_succeeds_and_0_where_none_does():
    assert first_success(lambda seed: seed in (3, 5), 16) == (3, True)
    assert first_success(lambda seed: seed == 9, 4) == (0, False)


def test_every_optimisation_of_a_prompt_gets_the_seed_and_nothing_else():
    prompt = {
        "1": {"class_type": "TiNOOptimize", "inputs": {"seed": 0, "cfg": 1.0}},
        "2": {"class_type": "KSampler", "inputs": {"seed": 0}},
    }
    found = with_seed(prompt, 7)
    assert found["1"]["inputs"] == {"seed": 7, "cfg": 1.0}
    assert found["2"] == prompt["2"]
    assert prompt["1"]["inputs"]["seed"] == 0


def test_each_template_has_a_truth_that_its_prompt_names():
    for make in TINO_RECIPES:
        recipe = make()
        truth = TRUTHS[recipe.name]()
        assert Judge(truth).succeeded(truth.target)
        assert not Judge(truth).succeeded(truth.source)
        said = [one["inputs"].get("value") for one in recipe.nodes.values()]
        assert truth.caption in said
        assert np.abs(truth.source - truth.target).max() > 0.1


def test_the_files_of_the_templates_have_the_seeds_that_were_chosen():
    kept = json.loads(SEEDS_FILE.read_text(encoding="utf-8"))
    assert kept.keys() == TRUTHS.keys()
    for name in kept:
        workflow = json.loads(path_of(name).read_text(encoding="utf-8"))
        nodes = [one for one in workflow["nodes"] if one["type"] == "TiNOOptimize"]
        assert nodes
        assert all(seed_of(name) in node["widgets_values"] for node in nodes)
