"""A tape as tensors by name: it comes back as it was, and nothing else comes back."""

import pytest
import torch

from elect_tino.elect_core import Step, Tape, tape_of, tape_tensors

SHAPE = (2, 4, 3, 5)


def tape():
    calls = [
        {"denoised": torch.randn(SHAPE), "relevance": torch.rand(2, 1, 3, 5)},
        {"denoised": torch.randn(SHAPE), "uncond_denoised": torch.randn(SHAPE)},
    ]
    return Tape(calls, [Step(0), Step(1, torch.randn(SHAPE))])


def test_a_tape_comes_back_as_it_was():
    before = tape()
    tensors, steps = tape_tensors(before)
    after = tape_of(tensors, steps, SHAPE)
    assert sorted(tensors)[0] == "call/0000/denoised"
    for then, now in zip(before.calls, after.calls, strict=True):
        assert then.keys() == now.keys()
        assert all(torch.equal(then[name], now[name]) for name in then)
    assert torch.equal(after.estimate(), before.estimate())
    assert torch.equal(after.estimate(0), before.estimate(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"call/0002/relevance": torch.zeros(2, 1, 3, 5)}, "a recorded call is missing"),
        ({"step/0002/blended": torch.zeros(SHAPE)}, "no place for step/0002"),
        ({"step/0001/denoised": torch.zeros(SHAPE)}, "no place for step/0001"),
        ({"other": torch.zeros(1)}, "no place for 'other'"),
        ({"call/0000/relevance": torch.zeros(SHAPE)}, r"numbers of \(2, 1, 3, 5\)"),
        ({"call/0000/denoised": torch.zeros(SHAPE, dtype=torch.int8)}, "torch.int8"),
    ],
)
def test_what_makes_no_tape_is_refused(change, message):
    tensors, steps = tape_tensors(tape())
    with pytest.raises(ValueError, match=message):
        tape_of({**tensors, **change}, steps, SHAPE)


@pytest.mark.parametrize("steps", [[0, 2], [0, 5], [1, 0], [0, 0], [-1, 1]])
def test_steps_of_no_call_are_refused(steps):
    tensors, _ = tape_tensors(tape())
    with pytest.raises(ValueError, match="steps do not belong"):
        tape_of(tensors, steps, SHAPE)
