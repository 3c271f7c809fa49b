"""Batches and memory: halved where it runs out, sized by ComfyUI, one by one where they mix."""

import gc
import weakref

import pytest
import torch
from torch.testing import assert_close

from .elect.test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def fail_above(monkeypatch, scene, limit: int, after: int = 0) -> list[int]:
    """From the `after`-th model call on, batches above `limit` run out of memory."""
    calls: list[int] = []
    apply_model = scene.model.model.apply_model

    def limited(x, *args, **kwargs):
        if len(calls) >= after and len(x) > limit:
            raise torch.cuda.OutOfMemoryError("test: out of memory")
        calls.append(len(x))
        return apply_model(x, *args, **kwargs)

    monkeypatch.setattr(scene.model.model, "apply_model", limited)
    return calls


def test_out_of_memory_halves_the_batch_and_loses_nothing(
    elect, scene, guiders, monkeypatch, caplog
):
    options = {"num_candidates": 4, "stop": 0.5}
    expected = elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **options)
    # Two calls of four go through, then only batches of two fit.
    calls = fail_above(monkeypatch, scene, limit=2, after=2)
    found = elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **options)
    assert calls == [4, 4, 2, 2, 2, 2]  # four steps each, the first two from the tape
    assert "out of memory with 4 candidates" in caplog.text
    assert found.seeds == expected.seeds
    assert found.cost == expected.cost
    assert_close(found.estimates(), expected.estimates(), atol=1e-4, rtol=1e-4)


def test_after_running_out_of_memory_later_batches_are_small_from_the_start(
    elect, scene, guiders, monkeypatch, caplog
):
    calls = fail_above(monkeypatch, scene, limit=2)
    options = {"num_candidates": 8, "stop": 0.2, "candidates_per_batch": 4}
    elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, **options)
    assert set(calls) == {2}
    assert caplog.text.count("out of memory") == 1


def test_a_batch_leaves_nothing_on_the_device_once_it_is_done(elect, scene, guiders, monkeypatch):
    from elect_tino.nodes.host.elect import run as host_run

    alive = []
    monkeypatch.setattr(
        host_run.Tape,
        "to",
        lambda self, device: alive.append(weakref.ref(self)) or self.map(torch.clone),
    )
    gc.collect()
    gc.disable()
    try:
        options = {"num_candidates": 4, "candidates_per_batch": 1}
        elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent, **options)
        # ComfyUI collects garbage between prompts only: what is left must go by itself.
        assert [one() for one in alive[:-1]] == [None] * 3
    finally:
        gc.enable()


def test_out_of_memory_with_one_candidate_is_an_error(elect, scene, guiders, monkeypatch):
    fail_above(monkeypatch, scene, limit=0)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent)


def test_batches_are_sized_by_comfyuis_estimate_and_do_not_grow_with_n(
    elect, scene, guiders, monkeypatch
):
    import comfy.model_management

    one = scene.model.model.memory_required([1, 4, 10, 8])
    free = one * 1.5 * 3.5

    def room_for_three(dev=None, torch_free_too=False):
        return (free, free) if torch_free_too else free

    monkeypatch.setattr(comfy.model_management, "get_free_memory", room_for_three)
    for num_candidates in (4, 9):
        with monkeypatch.context() as patched:
            calls = count_calls(patched, scene)
            elect.partial(
                guiders["basic"], "euler", scene.sigmas, scene.latent, num_candidates=num_candidates
            )
        assert max(calls) == 3
        assert sum(calls) == num_candidates * 3
