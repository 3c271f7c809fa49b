"""What a prompt may hold that no person wires: null in the place of a value."""

import pytest
import torch

pytestmark = pytest.mark.comfy


def whole(scene, guiders) -> dict:
    import comfy.samplers

    return {
        "guider": guiders["basic"],
        "sampler": comfy.samplers.sampler_object("euler"),
        "sigmas": scene.sigmas,
        "latent_image": scene.latent,
        "first_seed": 3,
        "num_candidates": 2,
        "stop": 0.25,
        "relevance_window": 0.2,
        "candidates_per_batch": 1,
    }


@pytest.mark.parametrize("name", ["guider", "sampler", "sigmas", "latent_image", "stop"])
def test_nothing_for_a_required_input_is_refused_by_its_name(name, scene, guiders):
    from elect_tino.nodes.elect.partial import MultiSeedPartialSampler

    with pytest.raises(ValueError, match=f"{name}: expected .*, got nothing"):
        MultiSeedPartialSampler.execute(**{**whole(scene, guiders), name: None})


def test_nothing_for_an_optional_input_is_as_if_it_were_not_there(scene, guiders):
    from elect_tino.nodes.elect.partial import MultiSeedPartialSampler

    given = whole(scene, guiders)
    nothing = dict.fromkeys(("seeds", "stop_sigma", "ram_limit_mb", "null", "noise", "text_jitter"))
    with torch.inference_mode():
        expected = MultiSeedPartialSampler.execute(**given)[0]
        found = MultiSeedPartialSampler.execute(**given, **nothing)[0]
    assert found.seeds == expected.seeds
    assert torch.equal(found.estimates(), expected.estimates())


def test_every_node_refuses_nothing_for_what_it_requires():
    from comfy_api.latest import io

    from elect_tino.nodes import NODES

    for node in NODES:
        schema = node.define_schema()
        told = [one for one in schema.inputs or [] if not isinstance(one, io.AnyType.Input)]
        required = [one.id for one in told if not one.optional]
        if required and not schema.is_input_list:
            with pytest.raises(ValueError, match=f"^{required[0]}: expected .* got nothing"):
                node.execute(**dict.fromkeys(required))


def test_a_branch_that_did_not_run_is_nothing_and_no_fault():
    from elect_tino.nodes.judging.retry import KeepOrRetry

    assert KeepOrRetry.execute(result="first", good=True, retry=None)[0] == "first"


def test_nothing_for_any_value_is_passed_on():
    from elect_tino.nodes.judging.retry import KeepOrRetry

    assert KeepOrRetry.execute(result=None, good=True)[0] is None


@pytest.mark.parametrize("value", [5, True, 0.5, {}])
def test_what_is_no_name_is_refused_when_queued_and_when_run(value):
    from elect_tino.nodes.tino.latent_models import LatentVGGLoader

    wrong = "name: expected a name from its list"
    assert wrong in str(LatentVGGLoader.validate_inputs(name=value))
    with pytest.raises(ValueError, match=wrong):
        LatentVGGLoader.execute(name=value)


@pytest.mark.parametrize("word", ["rough", False, 3, ""])
def test_a_word_that_is_no_choice_is_refused_when_queued_and_when_run(word, scene, guiders):
    from elect_tino.nodes.elect.relevance import RelevanceMapAggregate

    told = "form: expected one of paper, published, got "
    assert RelevanceMapAggregate.validate_inputs(form=word) == f"{told}{word!r}."
    assert RelevanceMapAggregate.validate_inputs(form=None) is True  # comes by a wire
    with pytest.raises(ValueError, match=told):
        RelevanceMapAggregate.execute("candidates", 0.0, 0.2, form=word)
    assert RelevanceMapAggregate.validate_inputs(form="published") is True


def test_a_sampler_that_another_pack_brings_later_is_a_choice(monkeypatch):
    import comfy.samplers

    from elect_tino.nodes.edit_models.defaults import EditModelDefaults

    assert "sampler_name: " in str(EditModelDefaults.validate_inputs(sampler_name="res_9s"))
    later = [*comfy.samplers.KSampler.SAMPLERS, "res_9s"]
    monkeypatch.setattr(comfy.samplers.KSampler, "SAMPLERS", later)
    monkeypatch.setattr(comfy.samplers, "SAMPLER_NAMES", later)
    assert EditModelDefaults.validate_inputs(sampler_name="res_9s") is True
