"""What only a GPU shows: waits, flat memory, a real out of memory, half a model in RAM."""

import pytest
import torch

pytestmark = [
    pytest.mark.comfy,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]


@pytest.fixture
def scene():
    from elect_tino.bench.gpu.scenes import SIZES, Scene

    return Scene(SIZES["sd15"])


def test_the_host_waits_no_more_often_with_more_candidates(scene):
    from elect_tino.bench.gpu.elections import recorded
    from elect_tino.bench.gpu.syncs import waits

    counts = []
    for number in (2, 2, 16):
        with waits() as found:
            recorded(scene, number, number)
        counts.append(found.total())
    assert counts[2] <= counts[1], found


def test_memory_is_flat_in_the_number_of_candidates(scene):
    from elect_tino.bench.clock import peak
    from elect_tino.bench.gpu.elections import recorded

    recorded(scene, 8, 8)
    few, many = (peak(lambda n=n: recorded(scene, n, 8)) for n in (8, 64))
    assert many < 1.05 * few
    assert few < scene.model.memory_required([24, *scene.source.shape[1:]])


@pytest.mark.parametrize("part", ["halved", "low-vram", "weights"])
def test_what_is_short_of_memory_gives_the_same(part):
    """In a process of its own, since it takes the memory of others."""
    from elect_tino.bench.gpu.command import measured

    for what, found in measured(part, "sd15"):
        assert what != "FAILED", found
        assert "NOT FINITE" not in found
        if "of the spread" in found:
            share = next(word for word in found.split() if "e-" in word or "e+" in word)
            assert float(share) < 0.05  # float16, in other batches


def test_every_sampler_resumes_bit_for_bit():
    from elect_tino.bench.gpu.scenes import SIZES
    from elect_tino.bench.gpu.truth import truth

    assert dict(truth(SIZES["tiny"]))["stopped and resumed not bit for bit"] == "none"


def test_tinos_memory_is_what_was_foreseen():
    from dataclasses import replace

    from elect_tino.bench.clock import peak
    from elect_tino.bench.gpu.scenes import SIZES
    from elect_tino.bench.gpu.tino import SETTINGS, edit_of
    from elect_tino.nodes.host.tino.memory import Memory
    from elect_tino.nodes.host.tino.optimising import Watch, run

    with torch.inference_mode():
        edit, once = edit_of(SIZES["sd15"]), replace(SETTINGS, iterations=1)
        run(edit, once, Watch())
        found = peak(lambda: run(edit, once, Watch()))
    assert found < 1.2 * Memory(edit.model, edit).needed
