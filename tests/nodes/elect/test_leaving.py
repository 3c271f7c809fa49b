"""The tape leaves a GPU behind its work, and no step waits for a number of a candidate.

Without a GPU, PyTorch's fake tensors stand for one: they know device and shape of everything, and
whoever asks one for a number, which on a GPU would wait, gets DataDependentOutputException.
"""

from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from elect_tino.elect_core.tape import Stopped, Tape

pytestmark = pytest.mark.comfy
STEPS = 4


NUMBERS = (
    torch.ops.aten.item,
    torch.ops.aten.is_nonzero,
    torch.ops.aten._local_scalar_dense,
)


class Watched(TorchDispatchMode):
    """Notes what crosses from GPU to RAM, what is pinned, and how often a number is asked for."""

    def __init__(self):
        super().__init__()
        self.left: list[bool] = []
        self.pinned = 0
        self.asked = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        packet = func.overloadpacket
        self.pinned += bool(kwargs.get("pin_memory"))
        self.asked += packet in NUMBERS
        # What is copied: the second of copy_(to, source), the first of _to_copy(source).
        place = {torch.ops.aten.copy_: 1, torch.ops.aten._to_copy: 0}.get(packet)
        if place is not None and args[place].is_cuda and not result.is_cuda:
            waits = args[2:3] or (kwargs.get("non_blocking", False),)
            self.left.append(bool(waits[0]))
        return result


@pytest.fixture
def events(monkeypatch):
    """What is asked of the GPU's stream, counted."""
    asked: Counter = Counter()

    def record_event():
        asked["recorded"] += 1
        return SimpleNamespace(synchronize=lambda: asked.update(["waited"]))

    stream = SimpleNamespace(record_event=record_event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    return asked


def steps_on_a_gpu(number: int, stop: int = STEPS) -> tuple[Tape, Watched]:
    """A guider's calls with text and null predictions, `number` candidates, on a fake GPU."""
    from elect_tino.nodes.host.elect.leaving import Leaving
    from elect_tino.nodes.host.elect.taped import RelevanceProbe, TapedGuider

    conds = {"positive": [{"uuid": 1}], "negative": [{"uuid": 2}]}
    probe, tape, leaving = RelevanceProbe(2), Tape(), Leaving()

    def model(_, conds, x, timestep, options):
        return [x * 0.5, x * 0.25]

    class Guider:
        def __init__(self):
            self.conds = conds

        def __call__(self, x, sigma, model_options, seed):
            both = [conds["positive"], conds["negative"]]
            text, null = probe(model, None, both, x, sigma, model_options)
            return null + 3 * (text - null)

    guider = TapedGuider(Guider(), tape, stop, probe, {}, leaving)
    with FakeTensorMode(), Watched() as watched:
        x = torch.randn(number, 4, 8, 8, device="cuda")
        sigma = torch.ones(number, device="cuda")
        try:
            for _ in range(STEPS + 1):
                denoised = guider(x, sigma)
                guider.tape_model.end_step(denoised)
                x = x + (denoised - x) * 0.1
        except Stopped:
            pass
        leaving.wait()
    return tape, watched


@pytest.mark.parametrize("number", [1, 2, 16])
def test_each_step_leaves_behind_the_gpus_work_and_one_event_is_waited_for(number, events):
    tape, watched = steps_on_a_gpu(number)
    copies = STEPS * 3  # denoised, relevance and the blended estimate of each step
    assert watched.left == [True] * copies
    assert watched.pinned == copies
    assert watched.asked == 0
    assert events == {"recorded": 1, "waited": 1}
    assert {one.device.type for call in tape.calls for one in call.values()} == {"cpu"}


def test_a_run_in_ram_waits_for_no_event(events):
    from elect_tino.nodes.host.elect.leaving import Leaving

    leaving, x = Leaving(), torch.randn(2, 4, 8, 8)
    kept = leaving(x)
    leaving.wait()
    assert torch.equal(kept, x)
    assert kept.data_ptr() != x.data_ptr()
    assert events == {}


def test_a_run_that_breaks_off_waits_too(elect, scene, guiders, monkeypatch):
    from elect_tino.nodes.host.elect import leaving

    waited = []
    wait = leaving.Leaving.wait
    monkeypatch.setattr(leaving.Leaving, "wait", lambda self: waited.append(1) or wait(self))

    def broken(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(scene.model.model, "apply_model", broken)
    with pytest.raises(RuntimeError, match="broken"):
        elect.partial(guiders["cfg"], "euler", scene.sigmas, scene.latent)
    assert waited == [1]


@pytest.mark.parametrize(
    ("sampler", "guider"), [("euler", "dual"), ("dpmpp_2m", "cfg"), ("euler_ancestral", "cfg")]
)
def test_numbers_asked_for_do_not_grow_with_the_candidates(
    sampler, guider, elect, scene, guiders, monkeypatch
):
    from comfy.cli_args import LatentPreviewMethod, args

    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)
    asked = []
    for number in (2, 6):
        options = {"num_candidates": number, "candidates_per_batch": number}
        with Watched() as watched:
            elect.partial(guiders[guider], sampler, scene.sigmas, scene.latent, **options)
        asked.append(watched.asked)
    assert asked[0] == asked[1] > 0
