"""The noise a picture comes from: denoising it gives the picture back."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.denoise import denoise, initial_timesteps
from elect_tino.tino_core.inversion import invert
from elect_tino.tino_core.schedule import FlowSchedule
from elect_tino.tino_core.settings import Settings

from .toy import SCHEDULE, Toy, scene


class Smooth(Toy):
    """A Toy that answers nearly alike nearby, as a trained model does."""

    def forward(self, x, t):
        return super().forward(0.2 * x, t)


def came_back(prediction, schedule, rounds):
    source, _, mask, _ = scene()
    settings = Settings(num_steps=4, strength=0.6, prediction=prediction, recompute=False)
    t = initial_timesteps(settings, schedule, 2)
    model = Smooth()
    with torch.no_grad():
        noise = invert(model, schedule, settings, source, mask, t, rounds)
        again = denoise(model, schedule, settings, source, source, mask, noise, t)
    return (again - source).abs().max(), noise, mask


@pytest.mark.parametrize(
    ("prediction", "schedule"),
    [("epsilon", SCHEDULE), ("v_prediction", SCHEDULE), ("flow", FlowSchedule(lambda s: s))],
)
def test_the_source_comes_back_where_the_rounds_converge(prediction, schedule):
    exact, noise, mask = came_back(prediction, schedule, 30)
    once, _, _ = came_back(prediction, schedule, 1)
    assert exact < 1e-3 < once
    assert came_back(prediction, schedule, 3)[0] < once
    assert not (noise * (1 - mask)).any()


def test_a_model_that_knows_the_noise_is_inverted_in_one_call():
    """For a prediction that does not depend on x the first call is exact."""
    source, noise, mask, _ = scene()
    settings = Settings(num_steps=3)
    t = initial_timesteps(settings, SCHEDULE, 2)
    found = invert(lambda x, t: noise, SCHEDULE, settings, source, mask, t, rounds=1)
    assert_close(found * mask, noise * mask, atol=1e-4, rtol=1e-4)


def test_an_inversion_takes_three_calls_a_step():
    source, _, mask, _ = scene()
    settings, model = Settings(num_steps=4), Toy()
    invert(model, SCHEDULE, settings, source, mask, initial_timesteps(settings, SCHEDULE, 2))
    assert model.calls == 3 * 4
