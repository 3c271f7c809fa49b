"""A recorded run can be stopped, pruned, cut and resumed, and stays the same run."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core.tape import Answer, Step, Stopped, Tape, TapeModel

from .recorded import (
    NUM_STEPS,
    SAMPLERS,
    SIGMAS,
    World,
    assert_same_tape,
    euler,
    finish,
    heun,
    in_place,
    multistep,
    record,
    start,
)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("stop", [1, 2, NUM_STEPS - 1])
def test_stop_and_resume_is_the_uninterrupted_run_with_only_the_remaining_calls(sampler, stop):
    whole, num_calls = finish(sampler, Tape())
    tape = Tape()
    before = record(sampler, tape, stop)
    resumed, after = finish(sampler, tape)
    assert before + after == num_calls
    assert_close(resumed, whole, rtol=0, atol=0)


@pytest.mark.parametrize("stop", [1, 3])
@pytest.mark.parametrize(("sampler", "calls_a_step"), [(euler, 1), (multistep, 1), (heun, 2)])
def test_stop_comes_before_the_next_steps_call(sampler, calls_a_step, stop):
    tape = Tape()
    num_calls = record(sampler, tape, stop)
    assert num_calls == len(tape.calls) == calls_a_step * stop
    assert len(tape.steps) == stop


def test_stop_at_the_end_lets_the_run_finish():
    tape = Tape()
    result = euler(TapeModel(World(), tape, NUM_STEPS), start())
    assert_close(result, finish(euler, Tape())[0], rtol=0, atol=0)
    assert len(tape.steps) == NUM_STEPS


def test_stop_holds_within_a_recorded_run_too():
    tape = Tape()
    finish(euler, tape)
    model = TapeModel(World(), tape, 2)
    with pytest.raises(Stopped):
        euler(model, start())
    assert model.finished == 2


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_complete_tape_replays_without_the_model(sampler):
    tape = Tape()
    whole, _ = finish(sampler, tape)
    replayed, num_calls = finish(sampler, tape)
    assert num_calls == 0
    assert_close(replayed, whole, rtol=0, atol=0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_pruned_then_resumed_equals_the_solo_runs(sampler):
    tape = Tape()
    record(sampler, tape, 2)
    kept = [2, 0]
    resumed, _ = finish(sampler, tape.rows(kept), start()[kept])
    solo = torch.cat([finish(sampler, Tape(), start()[k : k + 1])[0] for k in kept])
    assert_close(resumed, solo, rtol=0, atol=0)


def test_pruning_leaves_the_whole_tape_alone():
    tape = Tape()
    record(euler, tape, 2)
    one = tape.rows([1])
    one.calls[0]["denoised"].zero_()
    finish(euler, one, start()[1:2])
    assert len(tape.calls) == 2
    assert bool(tape.calls[0]["denoised"].any())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_chunks_joined_equal_one_batch(sampler):
    batch, chunks = Tape(), [Tape(), Tape(), Tape()]
    record(sampler, batch, 3)
    for tape, x in zip(chunks, start().split([1, 2, 1]), strict=True):
        record(sampler, tape, 3, x)
    assert_same_tape(Tape.concatenate(chunks), batch)


def test_runs_of_unequal_length_cannot_be_joined():
    short, long = Tape(), Tape()
    record(euler, short, 1)
    record(euler, long, 3)
    with pytest.raises(ValueError, match=r"same sampler, sigmas and stop, got \[1, 3\]"):
        Tape.concatenate([short, long])


def test_joining_keeps_what_every_chunk_has():
    with_map, without = Tape(), Tape()
    record(euler, with_map, 1)
    record(euler, without, 1)
    del without.calls[0]["relevance"]
    assert list(Tape.concatenate([with_map, without]).calls[0]) == ["denoised"]


def test_joining_keeps_one_estimate_per_candidate_where_only_one_chunk_is_blended():
    x = start(2)
    blended, plain = Tape(), Tape()
    model = TapeModel(World(), blended)
    model(x, SIGMAS[0])
    model.end_step(blended=x)
    record(euler, plain, 1, x)
    joined = Tape.concatenate([blended, plain])
    assert_close(joined.estimate(), torch.cat([x, plain.estimate()]))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("fail_at", [0, 1, 3])
def test_run_goes_on_from_where_it_ran_out_of_memory(sampler, fail_at):
    whole, num_calls = finish(sampler, Tape())
    tape, failing = Tape(), World(fail_at)
    with pytest.raises(torch.OutOfMemoryError):
        sampler(TapeModel(failing, tape), start())
    resumed, after = finish(sampler, tape)
    assert failing.num_calls == fail_at
    assert after == num_calls - fail_at
    assert_close(resumed, whole, rtol=0, atol=0)
    assert len(tape.steps) == NUM_STEPS


def test_interrupted_batch_goes_on_in_halves():
    whole, _ = finish(multistep, Tape())
    tape = Tape()
    with pytest.raises(torch.OutOfMemoryError):
        multistep(TapeModel(World(fail_at=3), tape), start())
    halves = [finish(multistep, tape.rows(rows), start()[rows])[0] for rows in ([0, 1], [2, 3])]
    assert_close(torch.cat(halves), whole, rtol=0, atol=0)


def test_writing_into_the_returned_latent_does_not_reach_the_tape():
    recorded, clean = Tape(), Tape()
    finish(in_place, recorded)
    record(euler, clean, 1)
    assert_close(recorded.calls[0], clean.calls[0], rtol=0, atol=0)
    before = recorded.map(torch.clone)
    finish(in_place, recorded)  # replayed this time
    assert_same_tape(recorded, before)


def test_replay_reports_each_recorded_call_and_hands_on_its_arguments():
    seen = []

    def model(x: Tensor, sigma: Tensor, scale: float) -> Answer:
        return {"denoised": scale * x}

    def replayed(x: Tensor, sigma: Tensor, answer: Answer, scale: float) -> None:
        seen.append((float(sigma), scale, sorted(answer)))

    tape = Tape()
    TapeModel(model, tape)(start(), SIGMAS[0], scale=0.5)
    model_again = TapeModel(model, tape, replayed=replayed)
    assert_close(model_again(start(), SIGMAS[0], scale=0.5), 0.5 * start())
    assert_close(model_again(start(), SIGMAS[1], scale=0.25), 0.25 * start())
    assert seen == [(10.0, 0.5, ["denoised"])]


def test_replay_may_rewrite_the_answer_for_the_sampler_alone():
    tape = Tape()
    record(euler, tape, 1)
    model = TapeModel(World(), tape, replayed=lambda x, sigma, answer: answer["denoised"].zero_())
    assert not bool(model(start(), SIGMAS[0]).any())
    assert bool(tape.estimate().any())


def test_size_counts_every_tensor():
    tape = Tape()
    record(euler, tape, 2)
    tape.steps[1] = Step(1, torch.zeros(4, 3, 4, 5, dtype=torch.float16))
    assert tape.nbytes == 2 * (4 * 3 * 4 * 5 + 4 * 4 * 5) * 4 + 4 * 3 * 4 * 5 * 2


def test_tape_moves_to_another_device_whole():
    tape = Tape()
    model = TapeModel(World(), tape)
    model(start(), SIGMAS[0])
    model.end_step(start())
    moved = tape.to("meta")
    assert {t.device.type for t in moved.calls[0].values()} == {"meta"}
    assert moved.estimate().device.type == "meta"
    assert tape.estimate().device.type == "cpu"


def test_video_latents_pass_through():
    x = torch.randn(2, 3, 2, 4, 5, generator=torch.Generator().manual_seed(2))
    whole, _ = finish(euler, Tape(), x)
    tape = Tape()
    record(euler, tape, 2, x)
    resumed, _ = finish(euler, tape.rows([1]), x[1:])
    assert_close(resumed, whole[1:], rtol=0, atol=0)
