"""How an optimisation ends and what it costs: memory, patience, numbers that stop being numbers."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.tino_core import Settings, optimise

from .toy import QUICK, SCHEDULE, Toy, run, scene


def test_truncated_gradients_reach_the_last_steps_timesteps_only():
    found = run(Settings(num_steps=3, iterations=2, gradient_steps=1, lr_noise=0.05))
    moved = (found.trajectory[-1] - found.trajectory[0]).abs()
    assert bool((moved[:, 0] > 0).all())
    assert_close(moved[:, 1:], torch.zeros(2, 2))


def test_every_step_is_computed_again_on_the_way_back():
    model = Toy()
    run(Settings(num_steps=5, iterations=1), model)
    assert model.calls == 5 + 5 + 5  # forward, again for the gradient, the last result


def test_without_recomputing_the_result_is_the_same_for_fewer_calls():
    model = Toy()
    kept = run(Settings(num_steps=5, iterations=1, recompute=False), model)
    assert model.calls == 5 + 5
    assert_close(kept.latent, run(Settings(num_steps=5, iterations=1)).latent)


def test_the_last_iteration_comes_back_where_asked_for():
    settings = Settings(num_steps=3, iterations=12, lr_noise=3.0, lr_timesteps=80, keep_all=True)
    found = run(dataclasses.replace(settings, result="last"))
    assert found.iterates is not None
    assert_close(found.latent, found.iterates[-1])
    assert not torch.allclose(run(settings).latent, found.latent)


@pytest.mark.parametrize("given", [{}, {"lr_noise": 0.05, "clip": 0.5}])
def test_scaled_losses_take_the_same_steps(given):
    plain = run(Settings(num_steps=3, iterations=3, **given))
    scaled = run(Settings(num_steps=3, iterations=3, scale_loss=True, **given))
    assert_close(scaled.latent, plain.latent, atol=1e-3, rtol=1e-3)
    assert_close(scaled.noise, plain.noise, atol=1e-3, rtol=1e-3)


def test_patience_ends_a_run_that_no_longer_gets_better():
    source, noise, mask, _ = scene()
    flat = lambda x0: x0.sum((1, 2, 3)) * 0 + 1  # noqa: E731
    settings = Settings(num_steps=2, iterations=50, patience=3)
    found = optimise(Toy(), flat, SCHEDULE, source, mask, noise, settings)
    assert len(found.losses) == 4


def test_the_caller_can_end_the_run_and_gets_the_best_so_far():
    seen = []

    def stop(iteration, loss, x0) -> bool:
        seen.append((iteration, loss.clone(), x0.shape))
        return iteration == 2

    found = run(QUICK, on_iteration=stop)
    assert [one[0] for one in seen] == [0, 1, 2]
    assert len(found.losses) == 3
    assert_close(torch.stack([one[1] for one in seen]), found.losses)


def test_a_loss_that_stops_being_a_number_ends_the_run_and_says_when():
    source, noise, mask, loss = scene()
    count = []

    def breaking(x0: Tensor) -> Tensor:
        count.append(1)
        return loss(x0) if len(count) <= 3 else loss(x0) * torch.nan

    found = optimise(Toy(), breaking, SCHEDULE, source, mask, noise, QUICK)
    assert found.nan_at == 3
    assert len(found.losses) == 3
    assert bool(found.latent.isfinite().all())


def test_a_loss_that_never_was_a_number_is_an_error():
    source, noise, mask, _ = scene()
    broken = lambda x0: x0.sum((1, 2, 3)) * torch.nan  # noqa: E731
    with pytest.raises(ValueError, match="loss: it is not a number before the first update"):
        optimise(Toy(), broken, SCHEDULE, source, mask, noise, QUICK)


def test_the_same_noise_gives_the_same_result():
    first, second = run(QUICK), run(QUICK)
    assert torch.equal(first.latent, second.latent)
    assert torch.equal(first.trajectory, second.trajectory)


def test_the_papers_numbers_are_the_default():
    one = Settings()
    assert (one.num_steps, one.strength, one.iterations) == (10, 0.75, 50)
    assert (one.lr_timesteps, one.lr_noise, one.prediction) == (1.0, 5e-3, "epsilon")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_steps": 0}, "num_steps: expected 1 or more, got 0"),
        ({"strength": 0.0}, "strength: expected above 0 and up to 1, got 0.0"),
        ({"strength": 1.5}, "strength"),
        ({"iterations": -1}, "iterations: expected 0 or more"),
        ({"gradient_steps": 0}, "gradient_steps"),
        ({"timesteps": ()}, "timesteps: expected one or more, each above"),
        ({"timesteps": (3.0, 2.0)}, "timesteps"),
        ({"timesteps": (3.0, 3.0, 5.0)}, "timesteps"),
        ({"prediction": "edm"}, "prediction: expected one of"),
        ({"result": "first"}, "result: expected one of"),
    ],
)
def test_settings_out_of_range_name_themselves(given, message):
    with pytest.raises(ValueError, match=message):
        Settings(**given)
