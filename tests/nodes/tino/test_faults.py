"""A fault at any model call of TiNOOptimize: the result is sound or the error says so, and nothing
of it stays behind in the model, in torch or in the next run."""

import pytest
import torch

from ...killed import is_killed, kill, needs_fork

pytestmark = pytest.mark.comfy

FEW = {"num_steps": 2, "iterations": 2}
CALLS = 7
"""More than a run makes: a call that does not come is no fault."""


class Broken(Exception):
    """What a faulty extension might raise."""


def raising(error: BaseException):
    def fault(out):
        raise error

    return fault


def faults():
    import comfy.model_management

    return {
        "out of memory": raising(torch.OutOfMemoryError("injected")),
        "cancel": raising(comfy.model_management.InterruptProcessingException()),
        "exception": raising(Broken("injected")),
        "nan": lambda out: out * torch.nan,
        "inf": lambda out: out * torch.inf,
    }


@pytest.fixture
def inject(world, monkeypatch):
    """Let call number `at` of the network go wrong; returns the list of calls."""
    network = world.model.model.diffusion_model
    forward = network.forward

    def arm(fault, at: int) -> list[int]:
        calls: list[int] = []

        def faulty(x, *args, **kwargs):
            calls.append(len(x))
            out = forward(x, *args, **kwargs)
            return fault(out) if len(calls) == at + 1 else out

        monkeypatch.setattr(network, "forward", faulty)
        return calls

    yield arm
    monkeypatch.undo()


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, torch.Tensor]:
    """The latent of a run in which nothing goes wrong, once it is made."""
    return {}


def state_of(world) -> dict:
    """Everything that a run may not leave changed; sums stand for the weights."""
    import comfy.ldm.modules.attention as attention

    model = world.model
    return {
        "weights": [float(p.double().sum()) for p in model.model.state_dict().values()],
        "asks for gradients": [p.requires_grad for p in model.model.parameters()],
        "patches": dict(model.patches),
        "options": repr(model.model_options),
        "callbacks": repr((model.wrappers, model.callbacks, model.hook_patches)),
        "hooks": [len(m._forward_hooks) for m in model.model.modules()],
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "attention": attention.optimized_attention,
        "dtypes": {p.dtype for p in model.model.parameters()},
    }


@pytest.mark.parametrize("name", ["out of memory", "cancel", "exception", "nan", "inf"])
@pytest.mark.parametrize("call", range(CALLS))
def test_a_fault_at_any_call_is_survived_or_said(name, call, world, optimize, inject, undisturbed):
    import comfy.model_management

    before = state_of(world)
    if "latent" not in undisturbed:
        undisturbed["latent"] = optimize(**FEW).latent
    calls = inject(faults()[name], call)
    cancelled = comfy.model_management.InterruptProcessingException
    try:
        result = optimize(**FEW)
    except (torch.OutOfMemoryError, Broken, ValueError, cancelled):
        assert len(calls) > call  # the fault, and not something else
        assert name in ("nan", "inf") or len(calls) == call + 1  # nothing goes on after it
    else:
        assert name in ("nan", "inf") or len(calls) <= call
        assert result.latent.isfinite().all()
    assert state_of(world) == before
    inject(lambda out: out, 0)
    assert torch.equal(optimize(**FEW).latent, undisturbed["latent"])


@needs_fork
@pytest.mark.parametrize("call", range(CALLS))
def test_a_kill_at_any_call_leaves_no_file(call, optimize, inject, tmp_path, monkeypatch):
    import folder_paths

    for name in ("output", "temp", "input"):
        monkeypatch.setattr(folder_paths, f"get_{name}_directory", lambda: str(tmp_path))
    inject(kill, call)
    assert is_killed(lambda: optimize(**FEW))
    assert not list(tmp_path.iterdir())
