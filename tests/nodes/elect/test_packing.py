"""Batches of a compiled model: one size throughout, at no extra call."""

import pytest

from .test_other_packs import guided
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def compiled(scene):
    """The scene's MODEL through ComfyUI's own way of compiling, a backend that runs it as it is.

    Its last layers alone: to trace all of them takes twenty seconds.
    """
    from comfy_api.torch_helpers import set_torch_compile_wrapper

    model = scene.model.clone()
    set_torch_compile_wrapper(model=model, backend="eager", keys=["diffusion_model.out"])
    return model


def sizes_of(calls):
    return [size // 2 for size in calls]  # text and no text


def test_chunks_leave_one_by_one_what_does_not_fill_a_batch():
    from elect_tino.nodes.host.elect.packing import chunk_sizes

    assert chunk_sizes(10, 4, even=False) == [4, 4, 2]
    assert chunk_sizes(10, 4, even=True) == [4, 4, 1, 1]
    assert chunk_sizes(3, 4, even=True) == [1, 1, 1]
    assert chunk_sizes(8, 4, even=False) == chunk_sizes(8, 4, even=True) == [4, 4]


def test_the_even_size_makes_the_fewest_passes():
    from elect_tino.nodes.host.elect.packing import even_size

    halving = [(16, 1), (8, 3), (4, 4), (2, 8)]
    assert even_size(16, halving) == 4  # 4 + 6 + 4 + 2 * 8 passes
    assert even_size(3, halving) == 2
    assert even_size(4, [(6, 2), (4, 2), (2, 2)]) == 2  # as few as 3 and 4, and nobody over
    assert even_size(1, halving) == 1


def test_a_race_of_a_compiled_model_sees_one_batch_size_and_costs_no_more(
    sampler_race, scene, monkeypatch
):
    plain = sampler_race(guided(scene, scene.model), candidates_per_batch=4)
    guider = guided(scene, compiled(scene))
    calls = count_calls(monkeypatch, scene)
    out = sampler_race(guider, candidates_per_batch=4)
    sizes = sizes_of(calls)
    assert sizes == [2] * (3 + 3 + 2 + 2 + 1 + 1) + [1, 1]
    told = out.ui["elect"][0]
    assert told["nfe"] == told["nfe_planned"] == sum(sizes)
    assert out[3] == plain[3]


def test_a_run_that_does_not_divide_sees_two(scene, elect, monkeypatch):
    guider = guided(scene, compiled(scene))
    calls = count_calls(monkeypatch, scene)
    given = {"num_candidates": 5, "candidates_per_batch": 4}
    found = elect.partial(guider, "euler", scene.sigmas, scene.latent, **given)
    assert sizes_of(calls) == [4] * found.stop_step + [1] * found.stop_step
    calls.clear()
    elect.resume(found.rows([0, 1, 2]))
    assert set(sizes_of(calls)) == {1}


def test_who_had_left_catches_up_in_the_same_sizes(sampler_race, scene, monkeypatch):
    guider = guided(scene, compiled(scene))
    told = sampler_race(guider, candidates_per_batch=4).ui["elect"][0]
    gone = [told["seed_texts"][index] for index in told["order"][-4:]]
    calls = count_calls(monkeypatch, scene)
    sampler_race(guider, candidates_per_batch=4, pick_seeds=", ".join(gone))
    assert set(sizes_of(calls)) <= {2, 1}
