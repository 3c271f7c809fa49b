"""Memory as newer hosts count it, word its end and leave it; stand-ins for what wants a GPU."""

import sys
from types import SimpleNamespace

import pytest
import torch

from .elect.test_seed_truth import count_calls

pytestmark = pytest.mark.comfy


def test_a_models_own_count_of_free_memory_sizes_the_batches(elect, scene, guiders, monkeypatch):
    """Under dynamic VRAM it is more than the device's: weights that may go count as free."""
    import comfy.model_management

    one = scene.model.model.memory_required([1, 4, 10, 8])
    monkeypatch.setattr(
        comfy.model_management,
        "get_free_memory",
        lambda dev=None, torch_free_too=False: (one, one) if torch_free_too else one,
    )
    counted = lambda patcher, device: one * 1.5 * 3.5  # noqa: E731
    monkeypatch.setattr(type(scene.model), "get_free_memory", counted, raising=False)
    calls = count_calls(monkeypatch, scene)
    elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, num_candidates=4)
    assert max(calls) == 3


def test_a_model_that_counts_no_memory_has_its_devices(monkeypatch):
    import comfy.model_management

    from elect_tino.nodes.host.device_memory import free_memory

    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda device: 5.0)
    assert free_memory(SimpleNamespace(load_device="cpu")) == 5.0  # type: ignore[arg-type]


@pytest.fixture
def refused(monkeypatch) -> type[RuntimeError]:
    """The host's AcceleratorError; a stand-in for it, and for `is_oom`, where it has none."""
    import comfy.model_management as management

    if hasattr(management, "is_oom"):
        return management.ACCELERATOR_ERROR
    kind = type("AcceleratorError", (RuntimeError,), {})
    monkeypatch.setattr(management, "ACCELERATOR_ERROR", kind, raising=False)
    monkeypatch.setattr(management, "is_oom", lambda e: "out of memory" in str(e), raising=False)
    return kind


def failing_at_first(monkeypatch, scene, error: Exception) -> list[int]:
    sizes: list[int] = []
    apply_model = scene.model.model.apply_model

    def limited(x, *args, **kwargs):
        sizes.append(len(x))
        if len(sizes) == 1:
            raise error
        return apply_model(x, *args, **kwargs)

    monkeypatch.setattr(scene.model.model, "apply_model", limited)
    return sizes


def test_a_device_that_refuses_memory_halves_the_batch(refused, elect, scene, guiders, monkeypatch):
    from elect_tino.nodes.host.elect import run

    cleared = []
    monkeypatch.setattr(run, "clear_failed_call", lambda: cleared.append(1))
    sizes = failing_at_first(monkeypatch, scene, refused("CUDA error: out of memory"))
    elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, num_candidates=4)
    assert (sizes[0], set(sizes[1:]), cleared) == (4, {2}, [1])


def test_another_fault_of_the_device_is_raised_as_it_is(
    refused, elect, scene, guiders, monkeypatch
):
    fault = refused("CUDA error: an illegal memory access was encountered")
    failing_at_first(monkeypatch, scene, fault)
    with pytest.raises(refused, match="illegal memory access"):
        elect.partial(guiders["basic"], "euler", scene.sigmas, scene.latent, num_candidates=4)


@pytest.mark.parametrize("enabled", [True, False])
def test_what_a_failed_call_had_fetched_is_let_go_under_dynamic_vram(enabled, monkeypatch):
    from elect_tino.nodes.host.device_memory import clear_failed_call

    let_go = []
    memory = SimpleNamespace(aimdo_enabled=enabled)
    prefetch = SimpleNamespace(cleanup_prefetch_queues=lambda: let_go.append(1))
    monkeypatch.setitem(sys.modules, "comfy.memory_management", memory)
    monkeypatch.setitem(sys.modules, "comfy.model_prefetch", prefetch)
    clear_failed_call()
    assert let_go == [1] * enabled


def test_memory_that_ran_out_stays_what_it_is(refused):
    from elect_tino.nodes.host.device_memory import out_of_memory, told_alike

    with pytest.raises(out_of_memory(), match="by the allocator"), told_alike():
        raise torch.OutOfMemoryError("by the allocator")
