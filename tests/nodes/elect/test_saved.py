"""SaveCandidates, LoadCandidates: what is loaded goes on bit for bit, or says what misfits."""

import copy

import pytest
import torch

pytestmark = pytest.mark.comfy

SAMPLERS = ["euler", "euler_ancestral", "dpmpp_2m_sde", "euler_cfg_pp", "heun"]


def partial(elect, scene, guiders, guider="dual", sampler="euler", **given):
    given = {"candidates_per_batch": 1, **given}
    return elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **given)


def made_anew(scene, guiders, name="dual"):
    """A guider as the same nodes make it tomorrow: other objects, equal values."""
    guider = copy.copy(guiders[name])
    guider.original_conds = {}
    for key, entries in copy.deepcopy(guiders[name].original_conds).items():
        guider.original_conds[key] = [{**entry, "uuid": object()} for entry in entries]
    return guider


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_resuming_tomorrow_is_bit_equal_to_resuming_today(sampler, elect, scene, guiders, kept):
    found = partial(elect, scene, guiders, sampler=sampler)
    today = elect.resume(found.rows([2, 0]))
    file = kept.save(found.rows([2, 0]), table="rank 1")
    out = kept.load(file, made_anew(scene, guiders), sampler, scene.sigmas.clone())
    loaded, table, thumbnails = out[0], out[1], out[2]
    assert (loaded.seeds, loaded.stop_step, loaded.cost) == ((5, 3), found.stop_step, found.cost)
    assert (table, tuple(thumbnails.shape)) == ("rank 1", (2, 10, 8, 3))
    again = elect.resume(loaded)
    for slot in (0, 1):
        assert torch.equal(again[slot]["samples"], today[slot]["samples"])
    assert elect.relevance(loaded)[0].equal(elect.relevance(found.rows([2, 0]))[0])
    assert "2 candidates stopped after 3 of 8 steps" in out.ui["text"][0]
    assert "differs" not in out.ui["text"][0]


def test_the_latent_and_its_mask_come_from_the_file(elect, scene, guiders, kept):
    mask = torch.zeros(1, 80, 64)
    mask[:, :40] = 1
    latent = {"samples": scene.source, "noise_mask": mask, "batch_index": [3]}
    run = (guiders["cfg"], "euler", scene.sigmas)
    found = elect.partial(*run, latent, candidates_per_batch=1)
    loaded = kept.load(kept.save(found), *run)[0]
    expected = elect.resume(found)[0]["samples"]
    assert torch.equal(elect.resume(loaded)[0]["samples"], expected)
    assert kept.load("newest", *run, latent_image=latent)[0].seeds == found.seeds
    with pytest.raises(ValueError, match=r"latent_image: is not what .* noise_mask"):
        kept.load("newest", *run, latent_image={**latent, "noise_mask": 1 - mask})


def test_noise_that_is_no_seeds_own_is_kept(elect, scene, guiders, kept):
    from dataclasses import replace

    from elect_tino.nodes.elect.candidates import run_candidates
    from elect_tino.nodes.elect.plan import plan
    from elect_tino.nodes.host.elect.noise import GivenNoise

    found = partial(elect, scene, guiders)
    rows = {seed: torch.full((1, 4, 10, 8), seed / 3) for seed in (3, 4)}
    run = replace(found.run, noise=GivenNoise(rows))
    with torch.inference_mode():
        other = run_candidates(plan(run, (3, 4), 3, 1))
    assert not torch.equal(other.estimates(), found.rows([0, 1]).estimates())
    loaded = kept.load(kept.save(other), guiders["dual"], "euler", scene.sigmas)[0]
    expected = elect.resume(other)[0]["samples"]
    assert torch.equal(elect.resume(loaded)[0]["samples"], expected)


def test_more_seeds_join_what_was_loaded(elect, scene, guiders, kept):
    found = partial(elect, scene, guiders, seeds="3, 4")
    loaded = kept.load(kept.save(found), guiders["dual"], found.run.sampler, scene.sigmas)[0]
    both = partial(elect, scene, guiders, seeds="3, 9", previous=loaded)
    assert both.seeds == (3, 4, 9)


def test_what_does_not_fit_is_named(elect, scene, guiders, kept):
    import comfy.samplers

    from elect_tino.tests.nodes.conftest import random_model

    file = kept.save(partial(elect, scene, guiders, "cfg"))

    def refused(match, guider=None, sampler="euler", sigmas=scene.sigmas):
        with pytest.raises(ValueError, match=match):
            kept.load(file, guider or guiders["cfg"], sampler, sigmas)

    def guided(model=scene.model, text=scene.text, cfg=4.0):
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(text, scene.image)
        guider.set_cfg(cfg)
        return guider

    kept.load(file, guided(), "euler", scene.sigmas)
    refused(r"sigmas: 20 steps from .* the candidates ran 8 steps", sigmas=scene.sigmas20)
    refused(r"sigmas: ", sigmas=scene.sigmas * 1.001)
    refused(r"sampler: .*sample_euler then, .*sample_heun now", sampler="heun")
    churn = comfy.samplers.ksampler("euler", {"s_churn": 0.5})
    refused(r"sampler: .*extra_options s_churn", sampler=churn)
    refused(r"guider: .*cfg \(4.0 then, 5.0 now\)", guided(cfg=5.0))
    refused(r"guider: .*kind \(CFGGuider then, Guider_DualCFG now\)", guiders["dual"])
    refused(r"guider: its conditioning .*positive 1 cross_attn", guided(text=scene.image))
    refused(r"guider: its MODEL .*weights", guided(random_model(1)))
    other = scene.model.clone()
    other.add_patches({"diffusion_model.out.2.bias": (torch.ones(4),)}, 0.5)
    refused(r"guider: its MODEL .*patches", guided(other))
    hooked = scene.model.clone()
    hooked.set_model_sampler_post_cfg_function(lambda args: args["denoised"])
    refused(r"guider: its MODEL .*attached", guided(hooked))


def test_another_empty_text_is_refused_and_none_is_not_missed(elect, scene, guiders, kept):
    given = {"null": scene.empty, "relevance_window": 0.6}
    file = kept.save(partial(elect, scene, guiders, "basic", **given))
    run = (guiders["basic"], "euler", scene.sigmas)
    assert kept.load(file, *run, null=scene.empty)[0].run.null is scene.empty
    assert kept.load(file, *run)[0].run.null is None
    with pytest.raises(ValueError, match="null: is not what the candidates ran with"):
        kept.load(file, *run, null=scene.text)


def test_the_picture_that_is_edited_is_a_part_of_the_conditioning(elect, scene, guiders, kept):
    import comfy.samplers

    file = kept.save(partial(elect, scene, guiders, "cfg"))
    other = scene.source.clone()
    other[..., :2, :2] += 1
    guider = comfy.samplers.CFGGuider(scene.model)
    text = [[scene.text[0][0], {"concat_latent_image": other}]]
    guider.set_conds(text, scene.image)
    guider.set_cfg(4.0)
    with pytest.raises(ValueError, match="guider: its conditioning .*concat_latent_image"):
        kept.load(file, guider, "euler", scene.sigmas)


def test_a_text_that_was_rounded_otherwise_is_taken_and_told(elect, scene, guiders, kept):
    file = kept.save(partial(elect, scene, guiders, "cfg"))
    guider = made_anew(scene, guiders, "cfg")
    entry = guider.original_conds["positive"][0]
    entry["cross_attn"] = entry["cross_attn"].bfloat16().float()
    out = kept.load(file, guider, "euler", scene.sigmas)
    assert "its conditioning differs by rounding in positive 1 cross_attn" in out.ui["text"][0]


def mask_left():
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    return mask


def test_scores_are_kept_as_numbers(elect, scene, guiders, kept):
    found = partial(elect, scene, guiders)
    out = elect.select(found, mask=mask_left(), top_k=2, criterion="ratio")
    told = out.ui["elect"][0]
    elected = out[0]
    loaded = kept.load(kept.save(elected), guiders["dual"], "euler", scene.sigmas)
    assert loaded[0].scores == elected.scores
    first, second = told["order"][:2]
    assert [one.score for one in loaded[0].scores] == [told["scores"][i] for i in (first, second)]
    assert [one.bis for one in loaded[0].scores] == [told["bis"][i] for i in (first, second)]
    assert [(one.rank, one.criterion, one.step) for one in loaded[0].scores] == [
        (1, "ratio", 3),
        (2, "ratio", 3),
    ]
    assert f"seed {found.seeds[first]} {told['scores'][first]:.4g} (rank 1)" in loaded.ui["text"][0]


def test_the_file_says_scores_as_json(elect, scene, guiders, kept):
    import json

    from safetensors import safe_open

    elected = elect.select(partial(elect, scene, guiders), mask=mask_left())[0]
    with safe_open(kept.folder / kept.save(elected), "pt") as opened:
        (said,) = json.loads(opened.metadata()["elect_candidates"])["scores"]
    assert said["score"] == elected.scores[0].score == said["bis"]
    assert said["rank"] == 1


def test_candidates_that_went_on_have_no_score_any_more(elect, scene, guiders):
    from elect_tino.nodes.elect.advance import AdvanceCandidates

    elected = elect.select(partial(elect, scene, guiders), mask=mask_left())[0]
    with torch.inference_mode():
        assert AdvanceCandidates.execute(elected, 0.6, 1)[0].scores is None
    assert partial(elect, scene, guiders).scores is None


def test_a_race_leaves_the_scores_of_who_is_still_in_it(sampler_race):
    out = sampler_race(rungs="3@25%, 2@50%")
    told, left = out.ui["elect"][0], out[4]
    indices = [told["seeds"].index(seed) for seed in left.seeds]
    assert [one.score for one in left.scores] == pytest.approx([told["scores"][i] for i in indices])
    assert {one.step for one in left.scores} == {4}
    gone = told["seed_texts"][told["order"][-1]]
    assert sampler_race(rungs="3@25%, 2@50%", pick_seeds=gone)[4].scores[0].step == 2


def test_files_of_earlier_versions_have_no_scores(elect, scene, guiders, kept):
    from elect_tino.tests.nodes.elect.test_saved_files import tampered

    older = tampered(kept, elect, scene, guiders, lambda tensors, says, _: says.pop("scores"))
    loaded = kept.load(older, guiders["dual"], "euler", scene.sigmas)
    assert loaded[0].scores is None
    assert "Scores" not in loaded.ui["text"][0]
