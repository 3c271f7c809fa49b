"""A fault at any model call of a race: the result is right or the error says so, and nothing of it
stays behind."""

import pytest
import torch
from torch.testing import assert_close

from .conftest import PAPERS
from .test_faults import (  # noqa: F401
    Broken,
    _interrupted,
    faults,
    inject,
    next_run,
    same,
    state_of,
)

pytestmark = pytest.mark.comfy

CANDIDATES, FIRST, SECOND, REST = 3, 2, 2, 4
"""Three run two steps of eight, two of them two more, and one of these the other four."""
RACING = {"race": "custom", "rungs": "2@25%, 1@50%"}


def rungs_of(per_batch: int) -> tuple[int, int]:
    """Calls up to the first rung, and up to the second."""
    if per_batch > 1:
        return FIRST, FIRST + SECOND
    return CANDIDATES * FIRST, CANDIDATES * FIRST + 2 * SECOND


CALLS = [
    (per_batch, call)
    for per_batch in (1, CANDIDATES)
    for call in range(rungs_of(per_batch)[1] + REST)
]


@torch.inference_mode()
def race_one(scene, guiders, per_batch: int):
    """All of a race; the finished latent, the elected seed, the candidates that are left."""
    import comfy.samplers

    from elect_tino.nodes.elect.elect_sampler import ELECTSampler

    sampler = comfy.samplers.sampler_object("dpmpp_2m")  # another object, so it is held anew
    given = {**PAPERS, **RACING, "candidates_per_batch": per_batch}
    given |= {"first_seed": 3, "num_candidates": CANDIDATES}
    out = ELECTSampler.execute(guiders["dual"], sampler, scene.sigmas, scene.latent, **given)
    return out[0]["samples"], out[3], out.ui["elect"][0]


@pytest.fixture(scope="module")
def undisturbed(scene, guiders):
    """What a race gives when nothing goes wrong, by batch size."""
    return {size: race_one(scene, guiders, size) for size in (1, CANDIDATES)}


def test_the_race_makes_the_calls_that_are_broken_here(scene, guiders, inject):  # noqa: F811
    for per_batch in (1, CANDIDATES):
        calls = inject(lambda out: out, 0)
        race_one(scene, guiders, per_batch)
        assert len(calls) == rungs_of(per_batch)[1] + REST


@pytest.mark.parametrize("name", ["out of memory", "cancel", "exception", "nan", "inf"])
@pytest.mark.parametrize(("per_batch", "call"), CALLS)
def test_a_fault_at_any_call_of_a_race_is_survived_or_said(
    name,
    per_batch,
    call,
    scene,
    guiders,
    stock,
    inject,  # noqa: F811
    undisturbed,
    next_run,  # noqa: F811
):
    guider = guiders["dual"]
    before = state_of(scene, guider)
    samples, seed, _ = undisturbed[per_batch]
    calls = inject(faults()[name], call)
    racing, spoilt = call < rungs_of(per_batch)[1], name in ("nan", "inf")
    if name == "out of memory" and per_batch > 1 and racing:  # halved
        found = race_one(scene, guiders, per_batch)
        assert found[1] == seed
        assert_close(found[0], samples, atol=1e-3, rtol=1e-3)
    elif spoilt and not racing:
        assert not race_one(scene, guiders, per_batch)[0].isfinite().all()
    elif spoilt and per_batch == 1:
        found, elected, told = race_one(scene, guiders, per_batch)
        assert found.isfinite().all()
        assert any("1 candidates are NaN" in one for one in told["warnings"]) or None in told["bis"]
        assert told["bis"][told["seeds"].index(elected)] is not None
    else:
        kinds = (torch.OutOfMemoryError, Broken, ValueError, _interrupted())
        with pytest.raises(kinds, match="NaN" if spoilt else None):
            race_one(scene, guiders, per_batch)
        assert spoilt or len(calls) == call + 1  # nothing goes on after it
    assert same(before, state_of(scene, guider))
    inject(lambda out: out, 0)
    assert torch.equal(stock(guider, "euler", scene.sigmas, scene.latent, 11)[0], next_run)
