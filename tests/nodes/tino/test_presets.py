"""TiNOPreset, the node's own list, and how many inputs a person sees at first."""

from dataclasses import fields, replace

import pytest

pytestmark = pytest.mark.comfy
SEEN = {
    "model", "positive", "source", "mask", "latent_clip", "clip", "source_prompt", "target_prompt",
    "strength", "iterations", "seed", "preset",
}  # fmt: skip
ORDER = [
    "model",
    "positive",
    "source",
    "cfg",
    "num_steps",
    "strength",
    "iterations",
    "seed",
    "lr_timesteps",
    "lr_noise",
    "weight_decay",
    "semantic_weight",
    "perceptual_weight",
    "reference_weight",
    "source_prompt",
    "target_prompt",
    "negative",
    "mask",
    "latent_clip",
    "latent_vgg",
    "clip",
    "source_text",
    "target_text",
    "reference",
    "start",
    "signed",
    "gradient_steps",
    "patience",
    "result",
    "text_loss",
    "tries",
    "smoothing",
    "keep_norm",
    "preset",
    "defaults",
    "optimiser",
    "gradient_norm",
    "longest_step",
    "white_noise",
    "least_gain",
    "reward",
]


def given(**options):
    from elect_tino.nodes.tino.inputs import Given

    return replace(Given(), **options)


def test_names_and_order_of_the_inputs_are_permanent():
    from elect_tino.nodes.tino.optimise import TiNOOptimize

    names = [one.id for one in TiNOOptimize.define_schema().inputs]
    assert names[: len(ORDER)] == ORDER


def test_twelve_inputs_at_most_are_seen_at_first():
    from elect_tino.nodes import NODES

    (node,) = (one for one in NODES if one.define_schema().node_id == "TiNOOptimize")
    inputs = node.define_schema().inputs
    assert {one.id for one in inputs if not one.as_dict().get("advanced")} == SEEN
    assert len(SEEN) == 12


@pytest.mark.parametrize("kind", ["text", "reference", "strokes", "composition"])
@pytest.mark.parametrize("way", ["tries", "updates", "tries, then updates", "paper"])
def test_a_preset_sets_inputs_that_exist_and_reaches_the_run(kind, way):
    from elect_tino.nodes.tino.inputs import Given
    from elect_tino.nodes.tino.kinds import TiNOPreset
    from elect_tino.nodes.tino.presets import with_presets

    made, text = TiNOPreset.execute(kind, way).args
    assert made.keys() <= {one.name for one in fields(Given)}
    run = with_presets(given(defaults=made))
    assert {name: getattr(run, name) for name in made} == made
    assert run.reference_weight == float(kind == "reference")
    assert run.iterations == {"tries": 0, "paper": 50}.get(way, 10)
    assert f"tries {run.tries}" in text


def test_two_presets_at_once_are_refused():
    from elect_tino.nodes.tino.presets import with_presets

    with pytest.raises(ValueError, match="preset: defaults is connected"):
        with_presets(given(defaults={"iterations": 1}, preset="paper"))
    assert with_presets(given(preset="ours: tries", defaults={"iterations": 1})).iterations == 1
    assert with_presets(given(preset="paper")).iterations == 50
    assert with_presets(given(iterations=7)).iterations == 7


def test_a_new_node_begins_with_tries_and_a_saved_prompt_keeps_its_numbers():
    from elect_tino.nodes.tino.optimise import TiNOOptimize

    (shown,) = (one for one in TiNOOptimize.define_schema().inputs if one.id == "preset")
    assert shown.as_dict()["default"] == "ours: tries"
    assert given().preset == "as set"


@pytest.mark.parametrize("kind", ["text", "reference", "strokes", "composition"])
def test_the_best_way_of_a_kind_is_what_validation_chose(kind):
    from elect_tino.nodes.tino.kinds import CHOSEN, WAYS, TiNOPreset

    made = TiNOPreset.execute(kind, "best for the kind").args[0]
    chosen = WAYS[CHOSEN["ways"][kind]]
    assert chosen.items() <= {**made, "reference_weight": chosen["reference_weight"]}.items()
