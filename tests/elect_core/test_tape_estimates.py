"""What a recorded run estimates: of which step, of which call, blended or not, and its maps."""

import pytest
from torch.testing import assert_close

from elect_tino.elect_core.tape import Tape, TapeModel

from .recorded import SIGMAS, World, euler, heun, record, start


def test_estimate_is_the_last_finished_steps_unless_asked():
    tape = Tape()
    record(euler, tape, 3)
    assert_close(tape.estimate(), tape.calls[2]["denoised"])
    assert_close(tape.estimate(0), tape.calls[0]["denoised"])


def test_estimate_of_a_two_call_step_is_its_latest_call():
    tape = Tape()
    record(heun, tape, 2)
    assert [step.call for step in tape.steps] == [1, 3]
    assert_close(tape.estimate(), tape.calls[3]["denoised"])


def test_empty_tape_has_no_estimate():
    with pytest.raises(ValueError, match="tape: no finished step is recorded"):
        Tape().estimate()


def test_blended_estimate_is_kept_through_pruning_joining_and_replay():
    x, tape = start(2), Tape()
    model = TapeModel(World(), tape)
    model(x, SIGMAS[0])
    blended = x + 1
    model.end_step(blended)
    blended.zero_()  # the caller may reuse it
    again = TapeModel(World(), tape)
    again(x, SIGMAS[0])
    again.end_step(x + 7)  # replayed: the recorded one stands
    assert_close(tape.estimate(), x + 1)
    halves = [tape.rows([0]), tape.rows([1])]
    assert_close(Tape.concatenate(halves).estimate(), x + 1)


def test_maps_are_those_of_the_steps_that_have_one():
    tape = Tape()
    record(euler, tape, 3)
    del tape.calls[1]["relevance"]
    maps = tape.relevance(range(3))
    assert [id(m) for m in maps] == [id(tape.calls[i]["relevance"]) for i in (0, 2)]
