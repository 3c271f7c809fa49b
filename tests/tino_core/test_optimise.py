"""Algorithm 1: what is optimised, what is pasted, what comes back."""

import pytest
import torch
from torch import Tensor
from torch.nn import Conv2d
from torch.testing import assert_close

from elect_tino.tino_core import Settings, optimise
from elect_tino.tino_core.denoise import denoise, initial_timesteps, keep_in_order
from elect_tino.tino_core.schedule import PREDICTIONS, FlowSchedule

from .toy import ALPHAS, QUICK, SCHEDULE, Toy, run, scene


def test_alpha_is_the_trained_one_at_whole_timesteps_and_between_otherwise():
    t = torch.tensor([0.0, 10.0, 999.0])
    assert_close(SCHEDULE.alpha(t), ALPHAS[[0, 10, 999]], atol=1e-5, rtol=1e-5)
    assert ALPHAS[11] < SCHEDULE.alpha(torch.tensor(10.4)) < ALPHAS[10]
    assert not SCHEDULE.alpha(t.requires_grad_()).requires_grad


def test_timesteps_start_evenly_up_to_the_strength():
    t = initial_timesteps(Settings(num_steps=4, strength=0.5), SCHEDULE, 2)
    assert_close(t, torch.tensor([[125.0, 250, 375, 500]] * 2))


@pytest.mark.parametrize(
    "t", [[5.0, 3, 900], [-40, -30, -20], [998, 1500, 1200], [10, 10, 10], [1, 2, 3]]
)
def test_timesteps_are_kept_in_order_and_in_range(t):
    kept = keep_in_order(torch.tensor([t], dtype=torch.float32), 999.0)
    assert bool((kept.diff() >= 1).all())
    assert 1 <= float(kept.min()) <= float(kept.max()) <= 999


def test_where_there_is_no_room_for_steps_one_apart_they_share_it_evenly():
    kept = keep_in_order(torch.tensor([[5.0, 3, 900]]), 1.5)
    assert_close(kept, torch.tensor([[1.0, 1.25, 1.5]]))


def test_timesteps_that_are_in_order_are_not_moved():
    t = torch.tensor([[3.0, 250.5, 998.0]])
    assert_close(keep_in_order(t, 999.0), t)


def test_zero_iterations_are_the_blended_ddim_run_written_out():
    source, noise, mask, _ = scene()
    model = Toy()
    found = run(Settings(num_steps=3, iterations=0))
    steps = [250.0, 500.0, 750.0]
    a = [float(SCHEDULE.alpha(torch.tensor(t))) for t in steps]
    x = a[2] ** 0.5 * source + (1 - a[2]) ** 0.5 * noise
    x = x * mask + source * (1 - mask)
    for k in (2, 1, 0):
        eps = model(x, torch.full((2,), steps[k]))
        clean = (x - (1 - a[k]) ** 0.5 * eps) / a[k] ** 0.5
        following = a[k - 1] if k else 1.0
        x = following**0.5 * clean + (1 - following) ** 0.5 * eps
        x = x * mask + source * (1 - mask)
    assert_close(found.latent, x.detach(), atol=1e-4, rtol=1e-4)
    assert found.losses.shape == (1, 2)
    assert found.steps.shape == (0, 2)


def test_optimising_lowers_the_loss_and_outside_the_mask_nothing_changes():
    source, _, mask, loss = scene()
    found = run(Settings(num_steps=3, iterations=30, lr_noise=0.05))
    assert bool((found.losses.amin(0) < 0.8 * found.losses[0]).all())
    assert_close(found.latent * (1 - mask), source * (1 - mask))
    assert_close(loss(found.latent), found.losses.amin(0))


def test_best_iteration_of_each_image_comes_back_with_its_noise_and_timesteps():
    source, _, mask, loss = scene()
    model = Toy()
    settings = Settings(num_steps=3, iterations=12, lr_noise=0.3, lr_timesteps=20, keep_all=True)
    found = run(settings, model)
    assert torch.equal(found.chosen, found.losses.argmin(0))
    assert found.iterates is not None
    assert found.noises is not None
    for image, iteration in enumerate(found.chosen):
        assert torch.equal(found.latent[image], found.iterates[iteration, image])
        assert torch.equal(found.noise[image], found.noises[iteration, image])
        assert torch.equal(found.timesteps[image], found.trajectory[iteration, image])
    again = denoise(model, SCHEDULE, settings, source, source, mask, found.noise, found.timesteps)
    assert_close(again.detach(), found.latent)


def test_images_do_not_touch_each_other():
    both = run(QUICK)
    source, noise, mask, _ = scene()
    goal = torch.randn(3 * 2, 4, 6, 5, generator=torch.Generator().manual_seed(1))[4:5]

    def loss(x0: Tensor) -> Tensor:
        return ((x0 - goal) * mask[:1]).square().flatten(1).mean(1)

    alone = optimise(Toy(), loss, SCHEDULE, source[:1], mask[:1], noise[:1], QUICK)
    assert_close(alone.losses[:, 0], both.losses[:, 0], atol=1e-5, rtol=1e-4)
    assert_close(alone.trajectory[:, 0], both.trajectory[:, 0], atol=1e-3, rtol=1e-4)


def test_a_learning_rate_of_zero_keeps_that_input_constant():
    noise = scene()[1]
    only_t = run(Settings(num_steps=3, iterations=4, lr_noise=0))
    assert torch.equal(only_t.noise, noise)
    assert not torch.equal(only_t.trajectory[0], only_t.trajectory[-1])
    only_n = run(Settings(num_steps=3, iterations=4, lr_timesteps=0, lr_noise=0.05))
    assert torch.equal(only_n.trajectory[0], only_n.trajectory[-1])
    assert bool((only_n.losses[-1] < only_n.losses[0]).all())


def test_weight_decay_drags_the_timesteps_down_and_is_off_by_default():
    flat = lambda x0: x0.sum((1, 2, 3)) * 0  # noqa: E731
    source, noise, mask, _ = scene()
    for decay, expected in ((0.0, 750.0), (0.01, 750 * 0.99**5)):
        settings = Settings(num_steps=3, iterations=5, weight_decay=decay)
        found = optimise(Toy(), flat, SCHEDULE, source, mask, noise, settings)
        assert_close(found.trajectory[-1, 0, -1], torch.tensor(expected), atol=0.5, rtol=0)


def test_alpha_gets_no_gradient_so_a_model_blind_to_t_leaves_t_alone():
    conv = Conv2d(4, 4, 1)
    found = run(Settings(num_steps=3, iterations=4), lambda x, t: conv(x) + 0 * t.sum())
    assert torch.equal(found.trajectory[0], found.trajectory[-1])


def test_v_prediction_is_the_same_run_as_the_epsilon_it_means():
    source, noise, mask, _ = scene()
    model = Toy()

    def as_v(x: Tensor, t: Tensor) -> Tensor:
        alpha = SCHEDULE.alpha(t).reshape(-1, 1, 1, 1)
        return (model(x, t) - (1 - alpha).sqrt() * x) / alpha.sqrt()

    t = initial_timesteps(QUICK, SCHEDULE, 2)
    runs = [
        denoise(
            predict,
            SCHEDULE,
            Settings(num_steps=3, prediction=kind),
            source,
            source,
            mask,
            noise,
            t,
        )
        for kind, predict in (("epsilon", model), ("v_prediction", as_v))
    ]
    assert set(PREDICTIONS) == {"epsilon", "v_prediction", "flow"}
    assert_close(runs[0], runs[1], atol=1e-4, rtol=1e-4)


def test_flow_is_eulers_run_written_out_and_is_defined_at_pure_noise():
    source, noise, mask, _ = scene()
    model = Toy()
    schedule = FlowSchedule(lambda share: 3 * share / (1 + 2 * share))
    settings = Settings(num_steps=3, strength=1.0, iterations=0, prediction="flow")
    levels = [3 * u / (1 + 2 * u) for u in (1 / 3, 2 / 3, 1.0)]
    t = initial_timesteps(settings, schedule, 2)
    assert_close(t, torch.tensor([[1000 * level for level in levels]] * 2))
    assert_close(keep_in_order(t, schedule.last), t)
    found = denoise(model, schedule, settings, source, source, mask, noise, t)
    x = noise * mask + source * (1 - mask)
    for k in (2, 1, 0):
        following = levels[k - 1] if k else 0.0
        velocity = model(x, torch.full((2,), 1000 * levels[k]))
        x = x + (following - levels[k]) * velocity
        x = x * mask + source * (1 - mask)
    assert_close(found, x, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("num_steps", [1, 2, 4])
def test_few_steps_optimise_too(num_steps):
    found = run(Settings(num_steps=num_steps, strength=1.0, iterations=15, lr_noise=0.05))
    assert bool((found.losses.amin(0) < found.losses[0]).all())
    assert found.timesteps.shape == (2, num_steps)


def test_kept_norm_is_that_of_the_first_noise_inside_the_mask():
    _, noise, mask, _ = scene()
    for keep in (True, False):
        found = run(
            Settings(num_steps=2, iterations=8, lr_noise=0.5, keep_norm=keep, result="last")
        )
        inside = (found.noise * mask).flatten(1).norm(dim=1)
        before = (noise * mask).flatten(1).norm(dim=1)
        assert torch.allclose(inside, before, rtol=1e-4) == keep
        assert torch.equal(found.noise * (1 - mask), noise * (1 - mask)) or not keep


def test_strokes_are_noised_but_the_source_is_pasted_outside():
    source, noise, mask, _ = scene()
    strokes = source + 2 * mask
    plain, drawn = run(QUICK), run(QUICK, start=strokes)
    assert not torch.allclose(plain.latent, drawn.latent)
    assert_close(drawn.latent * (1 - mask), source * (1 - mask))


def test_clipped_gradients_move_the_noise_along_the_gradient_by_no_more_than_the_norm():
    """ReNO's step: lr (1 + momentum) times the clipped gradient at first, picture by picture."""
    from elect_tino.tino_core.descent import clip_each
    from elect_tino.tino_core.optimise import optimise
    from elect_tino.tino_core.schedule import NoiseSchedule
    from elect_tino.tino_core.settings import Settings

    generator = torch.Generator().manual_seed(4)
    source, noise = torch.randn(2, 2, 4, 6, 5, generator=generator)
    wanted = torch.randn(2, 4, 6, 5, generator=generator)
    schedule = NoiseSchedule(torch.linspace(0.999, 0.01, 1000))
    scale = torch.tensor([1.0, 100.0]).view(2, 1, 1, 1)
    settings = Settings(
        num_steps=1, iterations=1, lr_timesteps=0, lr_noise=5.0, clip=0.1, keep_all=True
    )

    def predict(x, t):
        return torch.tanh(x)

    def loss(x0):
        return ((x0 - wanted).square() * scale).mean((1, 2, 3))

    found = optimise(predict, loss, schedule, source, torch.ones(1, 1, 6, 5), noise, settings)
    assert found.noises is not None
    step = (found.noises[1] - found.noises[0]).flatten(1).norm(dim=1)
    assert (step <= 5.0 * 1.9 * 0.1 + 1e-5).all()
    assert step[1].item() == pytest.approx(5.0 * 1.9 * 0.1, rel=1e-4)
    assert (found.losses[1] < found.losses[0]).any()
    gradient = torch.randn(3, 4, 2, 2, generator=generator)
    cut = clip_each(gradient, 0.1)
    torch.testing.assert_close(cut.flatten(1).norm(dim=1), torch.full((3,), 0.1))
    assert torch.equal(clip_each(0.001 * gradient, 100.0), 0.001 * gradient)


def test_timesteps_that_are_set_take_the_place_of_steps_and_strength():
    levels = (181.6, 454.1, 726.5, 999.0)
    settings = Settings(num_steps=10, strength=0.3, iterations=0, timesteps=levels)
    found = run(settings)
    assert_close(found.timesteps, torch.tensor([levels, levels]))
    with pytest.raises(ValueError, match="timesteps: expected one or more, each above"):
        Settings(timesteps=(3.0, 2.0))
