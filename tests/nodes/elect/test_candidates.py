"""MultiSeedPartialSampler: which seeds run, how far, at what cost, and what it refuses."""

import logging

import pytest
import torch

pytestmark = pytest.mark.comfy


def partial(elect, scene, guiders, guider="dual", sampler="euler", **given):
    return elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **given)


def test_seeds_follow_the_first_and_wrap_at_the_end(elect, scene, guiders):
    last = 0xFFFFFFFFFFFFFFFF
    assert partial(elect, scene, guiders, first_seed=last, num_candidates=2).seeds == (last, 0)


def test_listed_seeds_replace_first_seed_and_count(elect, scene, guiders):
    found = partial(elect, scene, guiders, seeds="7, 1\n30;2", num_candidates=3)
    assert found.seeds == (7, 1, 30, 2)


@pytest.mark.parametrize(
    ("given", "stop_step"),
    [
        ({"stop": 0.4}, 3),
        ({"stop": 0.01}, 1),
        ({"stop": 1.0}, 8),
        ({"stop_sigma": 3.0}, 3),
    ],
)
def test_stop_is_a_fraction_of_steps_or_a_noise_level(elect, scene, guiders, given, stop_step):
    found = partial(elect, scene, guiders, **given)
    assert found.stop_step == stop_step
    assert len(found.tape.calls) == len(found.tape.steps) == stop_step
    assert found.stop_sigma == pytest.approx(float(scene.sigmas[stop_step]))


@pytest.mark.parametrize(("guider", "per_call"), [("basic", 1), ("cfg", 2), ("dual", 3)])
def test_cost_counts_guider_calls_and_conditions(elect, scene, guiders, guider, per_call):
    found = partial(elect, scene, guiders, guider)
    assert found.cost.nfe == 3 * 3
    assert found.cost.model_evaluations == 3 * 3 * per_call


def test_an_explicit_null_costs_one_more_call_in_the_window_only(elect, scene, guiders):
    found = partial(elect, scene, guiders, "basic", null=scene.empty, relevance_window=0.25)
    assert found.cost.nfe == 3 * (3 + 2)
    assert found.cost.model_evaluations == 3 * (3 + 2)


def test_an_explicit_null_does_not_change_the_candidates(elect, scene, guiders):
    plain = partial(elect, scene, guiders, "basic", candidates_per_batch=1)
    probed = partial(elect, scene, guiders, "basic", candidates_per_batch=1, null=scene.empty)
    assert torch.equal(probed.estimates(), plain.estimates())


def test_more_seeds_join_without_running_the_kept_ones(elect, scene, guiders):
    first = partial(elect, scene, guiders, seeds="3, 4")
    both = partial(elect, scene, guiders, seeds="4, 5, 6", previous=first)
    assert both.seeds == (3, 4, 5, 6)
    assert both.cost.nfe == first.cost.nfe + 2 * 3
    fresh = partial(elect, scene, guiders, seeds="3, 4, 5, 6")
    torch.testing.assert_close(both.estimates(), fresh.estimates(), atol=1e-5, rtol=1e-5)


def test_losers_are_rerolled_beside_the_kept_winner(elect, scene, guiders):
    first = partial(elect, scene, guiders)
    mask = elect.relevance(first)[0]
    kept = elect.select(first, relevance=mask)[0]
    again = partial(elect, scene, guiders, first_seed=50, previous=kept)
    assert again.seeds == (kept.seeds[0], 50, 51, 52)
    assert torch.equal(again.estimates()[0], kept.estimates()[0])


def test_candidates_of_another_run_are_not_mixed(elect, scene, guiders):
    first = partial(elect, scene, guiders)
    with pytest.raises(ValueError, match=r"previous: .*another guider"):
        partial(elect, scene, guiders, "cfg", previous=first, first_seed=9)
    with pytest.raises(ValueError, match=r"previous: .*stop"):
        partial(elect, scene, guiders, previous=first, first_seed=9, stop=0.8)


def test_candidates_under_another_inpainting_mask_are_not_mixed(elect, scene, guiders):
    mask = torch.zeros(1, 80, 64)
    mask[:, :40] = 1
    latent = {"samples": scene.source, "noise_mask": mask}
    first = elect.partial(guiders["cfg"], "euler", scene.sigmas, latent)
    other = {**latent, "noise_mask": 1 - mask}
    with pytest.raises(ValueError, match=r"previous: .*latent_image"):
        elect.partial(guiders["cfg"], "euler", scene.sigmas, other, previous=first, first_seed=9)


def test_the_ram_limit_counts_the_kept_candidates_too(elect, scene, guiders):
    run = elect.partial, guiders["basic"], "euler", scene.sigmas, scene.latent
    first = run[0](*run[1:], seeds="1, 2, 3, 4, 5", null=scene.empty)
    held = first.tape.nbytes / 2**20
    options = {"null": first.run.null, "previous": first}
    with pytest.raises(ValueError, match="ram_limit_mb: "):  # enough for the four alone
        run[0](*run[1:], seeds="6, 7, 8, 9", ram_limit_mb=1.1 * held, **options)
    both = run[0](*run[1:], seeds="6", ram_limit_mb=1.4 * held, **options)
    assert len(both.seeds) == 6


def test_size_is_reported_and_limited(elect, scene, guiders, caplog):
    caplog.set_level(logging.INFO)
    found = partial(elect, scene, guiders)
    assert found.tape.nbytes == sum(
        tensor.numel() * tensor.element_size()
        for call in found.tape.calls
        for tensor in call.values()
    )
    assert "MB of RAM" in caplog.text
    big = {"samples": torch.ones(1, 4, 256, 256)}
    with pytest.raises(ValueError, match=r"ram_limit_mb: .*at least 192 MB, over .* 10 MB"):
        elect.partial(
            guiders["cfg"], "euler", scene.sigmas, big, num_candidates=64, ram_limit_mb=10
        )


def test_one_candidate_is_an_ordinary_run(elect, scene, guiders, stock):
    found = partial(elect, scene, guiders, num_candidates=1, stop=1.0)
    expected, _ = stock(guiders["dual"], "euler", scene.sigmas, scene.latent, 3)
    mask = elect.relevance(found)[0]
    chosen = elect.select(found, relevance=mask)
    assert torch.equal(elect.resume(chosen[0])[0]["samples"], expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stop": 0.0}, "stop: expected a fraction"),
        ({"stop": 1.2}, "stop: expected a fraction"),
        ({"stop_sigma": 99.0}, "stop_sigma: expected a noise level"),
        ({"seeds": "1, two"}, "seeds: expected whole numbers .* got 'two'"),
        ({"seeds": "1, -2"}, "seeds: expected whole numbers"),
        ({"seeds": "5 6 5"}, r"seeds: each seed may be listed once, got \[5\]"),
        ({"seeds": " ".join(map(str, range(65)))}, "seeds: expected at most 64 seeds, got 65"),
        ({"num_candidates": 65}, "num_candidates: expected 1 to 64, got 65"),
        ({"relevance_window": 0.0}, "relevance_window: expected a fraction"),
    ],
)
def test_bad_numbers_name_their_input(elect, scene, guiders, given, message):
    with pytest.raises(ValueError, match=message):
        partial(elect, scene, guiders, **given)


@pytest.mark.parametrize("name", ["dpm_fast", "dpm_adaptive"])
def test_samplers_with_their_own_sigmas_are_refused_by_name(elect, scene, guiders, name):
    with pytest.raises(ValueError, match=f"sampler: {name} chooses its own noise levels"):
        partial(elect, scene, guiders, sampler=name)


def test_samplers_that_resize_are_refused_by_name(elect, scene, guiders):
    from comfy_extras.nodes_advanced_samplers import SamplerLCMUpscale

    sampler = SamplerLCMUpscale.execute(1.5, 2, "bislerp")[0]
    with pytest.raises(ValueError, match="sampler: SamplerLCMUpscale changes the size"):
        partial(elect, scene, guiders, sampler=sampler)


@pytest.mark.parametrize("node", ["HyperTile", "TomePatchModel"])
def test_models_that_roll_dice_are_refused_with_the_reason(elect, scene, node):
    import comfy.samplers
    from comfy_extras import nodes_hypertile, nodes_tomesd

    patch = {
        "HyperTile": lambda: nodes_hypertile.HyperTile.execute(scene.model, 64, 2, 0, False),
        "TomePatchModel": lambda: nodes_tomesd.TomePatchModel.execute(scene.model, 0.3),
    }[node]
    guider = comfy.samplers.CFGGuider(patch()[0])
    guider.set_conds(scene.text, scene.image)
    with pytest.raises(ValueError, match=f"guider: its MODEL carries {node}, which draws random"):
        elect.partial(guider, "euler", scene.sigmas, scene.latent)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.ones(2, 4, 10, 8), "latent_image: expected one picture, got a batch of 2"),
        (
            torch.ones(1, 64, 100),
            r"latent_image: expected the latent of .* \(1, 64, 100\)",
        ),
    ],
)
def test_latents_of_many_or_of_sound_are_refused(elect, scene, guiders, samples, message):
    with pytest.raises(ValueError, match=message):
        elect.partial(guiders["cfg"], "euler", scene.sigmas, {"samples": samples})


def test_nested_latents_are_refused(elect, scene, guiders):
    from comfy.nested_tensor import NestedTensor

    nested = NestedTensor([torch.ones(1, 4, 8, 8), torch.ones(1, 4, 8)])
    with pytest.raises(ValueError, match="latent_image: nested latents"):
        elect.partial(guiders["cfg"], "euler", scene.sigmas, {"samples": nested})


def test_an_edit_without_a_picture_is_refused(elect, scene):
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(scene.empty, scene.empty)
    with pytest.raises(ValueError, match="guider: neither its positive conditioning nor"):
        elect.partial(guider, "euler", scene.sigmas, scene.latent)


def test_a_reference_picture_that_the_model_ignores_is_refused(elect, scene):
    import comfy.samplers

    text = [[scene.text[0][0], {"reference_latents": [scene.source]}]]
    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(text, scene.empty)
    with pytest.raises(ValueError, match="guider: .* the MODEL takes none"):
        elect.partial(guider, "euler", scene.sigmas, scene.latent)


def test_pictures_that_models_take_under_another_name_are_accepted(scene):
    from elect_tino.nodes.host.conditions import require_image_input

    for key, taken in (("concat_latent_image", "image_cond"), ("reference_latents", "ref_latents")):
        conds = {"positive": [{key: [scene.source], "model_conds": {taken: 1}}]}
        require_image_input(conds, scene.source)


def test_text_of_another_models_encoder_is_refused_before_it_runs(elect, scene):
    import comfy.samplers

    wide = [[torch.zeros(1, 7, 24), {"concat_latent_image": scene.source}]]
    guider = comfy.samplers.CFGGuider(scene.model)
    guider.set_conds(scene.text, wide)
    expected = "reads text features 16 wide, but those of its negative conditioning are 24 wide"
    with pytest.raises(ValueError, match=f"guider: the MODEL {expected}.*Connect the CLIP"):
        elect.partial(guider, "euler", scene.sigmas, scene.latent)


def test_a_model_that_ignores_the_picture_is_refused(elect, scene, guiders, monkeypatch):
    def without_image(**kwargs):
        return {}

    monkeypatch.setattr(scene.model.model, "extra_conds", without_image)
    with pytest.raises(ValueError, match="guider: .* the MODEL takes none"):
        partial(elect, scene, guiders)
