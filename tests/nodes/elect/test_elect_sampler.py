"""ELECTSampler is the step-by-step nodes in one, and a drop-in for SamplerCustomAdvanced."""

import inspect
from dataclasses import fields

import pytest
import torch

from .conftest import PAPERS
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def whole(scene, guiders):
    """ELECTSampler's `execute` in inference mode, with defaults a user would leave."""
    import comfy.samplers

    from elect_tino.nodes.elect.elect_sampler import ELECTSampler

    @torch.inference_mode()
    def run(guider="dual", sampler="euler", latent=scene.latent, **given):
        options = {"first_seed": 3, "num_candidates": 4, **PAPERS}
        chosen = comfy.samplers.sampler_object(sampler)
        return ELECTSampler.execute(
            guiders[guider], chosen, scene.sigmas, latent, **{**options, **given}
        )

    return run


@pytest.mark.parametrize("form", ["paper", "published"])
def test_it_elects_and_finishes_what_the_single_nodes_do(whole, elect, scene, guiders, form):
    output, denoised, mask, seed, kept = whole(form=form).args
    found = elect.partial(
        guiders["dual"],
        "euler",
        scene.sigmas,
        scene.latent,
        num_candidates=4,
        candidates_per_batch=1,
    )
    relevance = elect.relevance(found, form=form)[0]
    chosen = elect.select(found, relevance=relevance)
    finished = elect.resume(chosen[0])
    assert seed == chosen[1]
    assert torch.equal(mask, relevance)
    assert torch.equal(output["samples"], finished[0]["samples"])
    assert torch.equal(denoised["samples"], finished[1]["samples"])
    assert (kept.seeds, kept.stop_step) == (found.seeds, found.stop_step)  # for what follows
    assert torch.equal(elect.resume(kept.rows([2]))[0]["samples"], resumed(elect, found, 2))
    assert [one.rank for one in kept.scores if one.rank == 1] == [1]


def resumed(elect, found, row: int) -> torch.Tensor:
    """One candidate's finished latent."""
    return elect.resume(found.rows([row]))[0]["samples"]


def test_the_elected_seed_alone_gives_the_same_picture(whole, stock, scene, guiders):
    output, _, _, seed, _ = whole(sampler="dpmpp_2m_sde").args
    expected, _ = stock(guiders["dual"], "dpmpp_2m_sde", scene.sigmas, scene.latent, seed)
    assert torch.equal(output["samples"], expected)


def test_one_candidate_is_vanilla_also_without_a_null_text(whole, stock, scene, guiders):
    output, denoised, mask, seed, kept = whole(guider="basic", num_candidates=1).args
    expected, expected_denoised = stock(guiders["basic"], "euler", scene.sigmas, scene.latent, 3)
    assert seed == 3
    assert torch.equal(output["samples"], expected)
    assert torch.equal(denoised["samples"], expected_denoised)
    assert not mask.any()
    assert (kept.seeds, kept.stop_step) == ((3,), 8)


def test_bad_input_is_found_before_any_candidate_runs(whole, scene, monkeypatch):
    calls = count_calls(monkeypatch, scene)
    full = torch.ones(1, 80, 64)
    wide = {"samples": torch.zeros(1, 4, 10, 16)}
    for given, message in (
        ({"space": "pixel"}, "vae: scoring in pixel space"),
        ({"mask": full}, "mask: it covers"),
        ({"source": wide}, "source: expected"),
        ({"window_start": 0.3}, "window_start < window_end"),
    ):
        with pytest.raises(ValueError, match=message):
            whole(**given)
    assert calls == []


def test_own_mask_replaces_the_relevance_map_and_is_put_out(whole):
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    out = whole(guider="basic", mask=mask)
    assert torch.equal(out[2], mask)
    assert out.ui["elect"][0]["elected_seed"] == out[3]


def test_without_signal_the_error_names_the_null_input(whole):
    with pytest.raises(ValueError, match="CONDITIONING to null"):
        whole(guider="cfg1")
    assert whole(guider="cfg1", null=[[torch.zeros(1, 7, 16), {}]])[3] >= 3


def test_bad_windows_name_its_own_inputs(whole):
    with pytest.raises(ValueError, match="window_end: expected a fraction"):
        whole(window_end=0.0)
    with pytest.raises(ValueError, match="window_start < window_end"):
        whole(window_start=0.5)


def test_its_inputs_are_those_of_execute_and_of_the_single_nodes():
    from elect_tino.nodes import NODES
    from elect_tino.nodes.tino.inputs import Given

    for node in NODES:
        schema = node.define_schema()
        parameters = inspect.signature(node.execute).parameters.values()
        named = {one.name for one in parameters}
        if schema.node_id == "TiNOOptimize":  # gives all of them to its record
            named = {one.name for one in fields(Given)}
        assert {given.id for given in schema.inputs} == named, schema.node_id


def test_every_input_of_a_node_explains_itself():
    from elect_tino.nodes import NODES

    plain = {"candidates"}
    for node in NODES:
        for given in node.define_schema().inputs:
            assert given.id in plain or given.tooltip, (node.define_schema().node_id, given.id)


def test_it_undoes_shifts_when_asked_as_bis_select_does(whole, elect, scene, guiders):
    shown = whole(align=True).ui["elect"][0]
    given = {"num_candidates": 4, "candidates_per_batch": 1}
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, **given)
    alone = elect.select(found, relevance=elect.relevance(found)[0], align=True).ui["elect"][0]
    assert shown["shifts"] == alone["shifts"]
    assert len(shown["shifts"]) == 4
    assert shown["scores"] == alone["scores"]
    assert whole().ui["elect"][0]["shifts"] is None


def test_node_ids_are_the_permanent_ones():
    from elect_tino.nodes import NODES

    assert {node.define_schema().node_id for node in NODES} == {
        "MultiSeedPartialSampler",
        "TweedieEstimate",
        "RelevanceMapAggregate",
        "BISSelect",
        "AdvanceCandidates",
        "ELECTRace",
        "ResumeDenoise",
        "ELECTSampler",
        "SaveCandidates",
        "LoadCandidates",
        "PoolCandidates",
        "FinishClean",
        "VarySeed",
        "RerollRegion",
        "LayOnSource",
        "TiNOPreset",
        "TiNOReward",
        "CLIPJudge",
        "EditJudge",
        "InstructionVariants",
        "KeepOrRetry",
        "VLMEndpoint",
        "VLMLoader",
        "EditModelDefaults",
        "EditModelLoader",
        "EditSize",
        "UltraEditConditioning",
        "InstructDiffusionGuider",
        "MGIELoader",
        "MGIEConditioning",
        "MGIEEmbeddings",
        "LatentCLIPLoader",
        "LatentVGGLoader",
        "PixelCLIP",
        "TiNOMask",
        "TiNOOptimize",
        "EmbeddedModelLoader",
        "EmbeddedExample",
    }


def test_another_choice_costs_only_the_rest_of_the_steps(whole, scene, guiders, monkeypatch):
    import comfy.samplers

    fixed = comfy.samplers.sampler_object("euler")
    monkeypatch.setattr(comfy.samplers, "sampler_object", lambda name: fixed)
    first = whole()
    facts = first.ui["elect"][0]
    other = facts["seeds"][facts["order"][-1]]
    calls = count_calls(monkeypatch, scene)
    second = whole(pick_seeds=str(other))
    assert second.args[3] == other
    assert (
        second.ui["elect"][0]["pictures"]["candidates"]
        == first.ui["elect"][0]["pictures"]["candidates"]
    )
    assert len(calls) == facts["num_steps"] - facts["stop_step"]
