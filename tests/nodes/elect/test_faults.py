"""A fault at any model call of an election: the result is right or the error says so, and nothing
of it stays behind in the model, in torch or in the next run."""

import gc

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy

NUM_CANDIDATES, STEPS_BEFORE, STEPS_AFTER = 3, 3, 5  # of 8 steps, stopped at 0.4
PER_BATCH = (1, NUM_CANDIDATES)
CALLS = [
    (per_batch, call)
    for per_batch in PER_BATCH
    for call in range(STEPS_BEFORE * NUM_CANDIDATES // per_batch + STEPS_AFTER)
]


class Broken(Exception):
    """What a faulty extension might raise."""


def _raise(error):
    raise error


def faults():
    import comfy.model_management

    return {
        "out of memory": lambda out: _raise(torch.OutOfMemoryError("injected")),
        "cancel": lambda out: _raise(comfy.model_management.InterruptProcessingException()),
        "exception": lambda out: _raise(Broken("injected")),
        "nan": lambda out: torch.full_like(out, torch.nan),
        "inf": lambda out: torch.full_like(out, torch.inf),
    }


@pytest.fixture
def inject(scene, monkeypatch):
    """Let the model's call number `at` go wrong; returns the list of calls."""
    apply_model = scene.model.model.apply_model

    def arm(fault, at: int) -> list[int]:
        calls: list[int] = []

        def faulty(x, *args, **kwargs):
            calls.append(len(x))
            out = apply_model(x, *args, **kwargs)
            return fault(out) if len(calls) == at + 1 else out

        monkeypatch.setattr(scene.model.model, "apply_model", faulty)
        return calls

    yield arm
    monkeypatch.undo()


def state_of(scene, guider) -> dict:
    """Everything that a run may not leave changed."""
    import comfy.ldm.modules.attention as attention

    return {
        "weights": {k: v.clone() for k, v in scene.model.model.state_dict().items()},
        "patches": dict(scene.model.patches),
        "model options": repr(scene.model.model_options),
        "guider options": repr(guider.model_options),
        "conds": repr(guider.original_conds),
        "own conds": hasattr(guider, "conds"),
        "callbacks": repr((scene.model.wrappers, scene.model.callbacks, scene.model.hook_patches)),
        "hooks": [len(m._forward_hooks) for m in scene.model.model.modules()],
        "grad": torch.is_grad_enabled(),
        "attention": attention.optimized_attention,
    }


def same(state: dict, other: dict) -> bool:
    weights, others = state.pop("weights"), other.pop("weights")
    return state == other and all(torch.equal(weights[k], others[k]) for k in weights)


def tensors_alive() -> int:
    gc.collect()
    return sum(isinstance(one, torch.Tensor) for one in gc.get_objects())


def elect_one(elect, scene, guider, per_batch: int):
    """All of an election; the latent of the finished picture and the elected seed."""
    given = {"num_candidates": NUM_CANDIDATES, "candidates_per_batch": per_batch}
    found = elect.partial(guider, "dpmpp_2m", scene.sigmas, scene.latent, **given)
    chosen = elect.select(found, relevance=elect.relevance(found)[0])
    return elect.resume(chosen[0])[0]["samples"], chosen[1]


@pytest.fixture(scope="module")
def undisturbed(elect, scene, guiders):
    """What an election gives when nothing goes wrong, by batch size."""
    return {size: elect_one(elect, scene, guiders["dual"], size) for size in PER_BATCH}


@pytest.fixture(scope="module")
def next_run(scene, guiders, stock):
    """What an ordinary run gives when nothing went wrong before it."""
    return stock(guiders["dual"], "euler", scene.sigmas, scene.latent, 11)[0]


@pytest.mark.parametrize("name", ["out of memory", "cancel", "exception", "nan", "inf"])
@pytest.mark.parametrize(("per_batch", "call"), CALLS)
def test_a_fault_at_any_call_is_survived_or_said(
    name, per_batch, call, elect, scene, guiders, stock, inject, undisturbed, next_run
):
    guider = guiders["dual"]
    before = state_of(scene, guider)
    calls = inject(faults()[name], call)
    halved = name == "out of memory" and per_batch > 1 and call < STEPS_BEFORE
    resuming = call >= STEPS_BEFORE * NUM_CANDIDATES // per_batch
    spoilt = name in ("nan", "inf")
    if halved:
        samples, seed = elect_one(elect, scene, guider, per_batch)
        assert seed == undisturbed[per_batch][1]
        assert_close(samples, undisturbed[per_batch][0], atol=1e-3, rtol=1e-3)
    elif spoilt and resuming:
        assert not elect_one(elect, scene, guider, per_batch)[0].isfinite().all()
    elif spoilt and per_batch == 1:
        samples, seed = elect_one(elect, scene, guider, per_batch)
        assert seed != 3 + call // STEPS_BEFORE  # the candidate that broke is not elected
        assert samples.isfinite().all()
    else:
        kinds = (torch.OutOfMemoryError, Broken, ValueError, _interrupted())
        message = "NaN" if spoilt else None
        with pytest.raises(kinds, match=message):
            elect_one(elect, scene, guider, per_batch)
        assert spoilt or len(calls) == call + 1  # nothing goes on after it
    assert same(before, state_of(scene, guider))
    inject(lambda out: out, 0)
    assert torch.equal(stock(guider, "euler", scene.sigmas, scene.latent, 11)[0], next_run)


def _interrupted() -> type[BaseException]:
    import comfy.model_management

    return comfy.model_management.InterruptProcessingException


@pytest.mark.parametrize("name", ["cancel", "exception"])
def test_what_a_broken_run_held_is_freed(name, elect, scene, guiders, inject):
    def broken() -> int:
        inject(faults()[name], 1)
        with pytest.raises((Broken, _interrupted())):
            elect_one(elect, scene, guiders["dual"], 1)
        return tensors_alive()

    broken()
    held = broken()
    assert max(broken() for _ in range(3)) <= held
