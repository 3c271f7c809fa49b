"""How a gradient becomes an update, where noise may move, and when a run has gained enough."""

import dataclasses

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core import Settings, optimise
from elect_tino.tino_core.descent import clip_each, normalise_each, settle
from elect_tino.tino_core.schedule import FlowSchedule
from elect_tino.tino_core.shells import with_norm, with_spectrum

SCHEDULE = FlowSchedule(lambda share: share)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def velocity(x, t):
    """A model that carries noise to its own tanh, so that every gradient is known to be smooth."""
    return x - torch.tanh(x)


def run(settings, loss, mask=None, batch=2):
    source, noise = draw(batch, 4, 12, 12, seed=1), draw(batch, 4, 12, 12, seed=2)
    mask = torch.ones(1, 1, 12, 12) if mask is None else mask
    given = dataclasses.replace(settings, prediction="flow", keep_all=True, lr_timesteps=0.0)
    return optimise(velocity, loss, SCHEDULE, source, mask, noise, given), source, noise


def towards(goal, scale=1.0):
    return lambda x0: scale * (x0 - goal).square().flatten(1).mean(1)


def test_normalised_gradients_all_have_one_length_and_nothing_stays_nothing():
    gradients = torch.stack([1e-5 * draw(4, 3, 3), 100 * draw(4, 3, 3), torch.zeros(4, 3, 3)])
    lengths = normalise_each(gradients, 0.1).flatten(1).norm(dim=1)
    assert_close(lengths, torch.tensor([0.1, 0.1, 0.0]))


def test_a_normalised_step_is_as_long_for_any_scale_of_the_loss_a_clipped_one_is_not():
    goal = draw(2, 4, 12, 12, seed=3)
    for normalise, equal in ((True, True), (False, False)):
        settings = Settings(num_steps=2, iterations=1, lr_noise=5.0, clip=0.1, normalise=normalise)
        far, near = (run(settings, towards(goal, scale))[0].steps[0] for scale in (1.0, 1e-3))
        assert torch.allclose(far, near, rtol=1e-3) == equal
        assert (far <= 5.0 * 0.1 * 1.9 + 1e-4).all()


def test_a_gradient_longer_than_the_limit_is_cut_and_a_shorter_one_is_left():
    gradients = torch.tensor([3.0, 0.5]).reshape(2, 1, 1, 1) * torch.ones(2, 4, 1, 1)  # 6 and 1
    expected = torch.tensor([1.0, 0.5]).reshape(2, 1, 1, 1) * torch.ones(2, 4, 1, 1)
    assert_close(clip_each(gradients, 2.0), expected)


def test_an_update_longer_than_the_longest_is_cut_along_its_own_way():
    before, way = draw(1, 4, 3, 3), draw(1, 4, 3, 3, seed=1)
    way = way / way.norm()
    settings, mask = Settings(longest_step=2.0), torch.ones(1, 1, 3, 3)
    for length, kept in ((6.0, 2.0), (1.0, 1.0)):
        found = settle(before + length * way, before, before, mask, settings)
        assert_close(found, before + kept * way)


@pytest.mark.parametrize("clip", [None, 0.1])
def test_no_update_is_longer_than_the_longest_step(clip):
    settings = Settings(num_steps=2, iterations=3, lr_noise=5.0, clip=clip, longest_step=0.3)
    found, _, noise = run(settings, towards(draw(2, 4, 12, 12, seed=3), 1e4))
    assert found.steps.shape == (3, 2)
    assert_close(found.steps, torch.full((3, 2), 0.3))
    assert found.noises is not None
    moved = (found.noises[1] - noise).flatten(1).norm(dim=1)
    assert_close(moved, torch.full((2,), 0.3))


def test_the_spectrum_of_the_first_noise_comes_back_and_that_noise_itself_is_left_alone():
    first = draw(2, 4, 16, 16)
    mask = torch.ones(1, 1, 16, 16)
    assert_close(with_spectrum(first, first, mask), first, atol=1e-5, rtol=1e-5)
    wave = torch.sin(torch.arange(16) * 2 * torch.pi / 16).expand(2, 4, 16, 16)
    written = first + 3 * wave  # one frequency with far too much energy
    back = with_spectrum(written, first, mask)
    assert_close(back.flatten(2).norm(dim=2), first.flatten(2).norm(dim=2), rtol=1e-4, atol=1e-4)

    def low(noise):
        """Energy of the frequencies below 4 in both axes, naively."""
        spectrum = torch.fft.fft2(noise).abs().square()
        near = [0, 1, 2, 3, 13, 14, 15]
        return spectrum[..., near, :][..., near].sum((-2, -1))

    assert_close(low(back), low(first), rtol=1e-4, atol=1e-2)
    on_the_shell = with_norm(written, first, mask)
    assert (low(on_the_shell) > 2 * low(first)).all()  # a norm alone does not see the wave


def test_outside_the_mask_the_spectrum_moves_nothing():
    first = draw(2, 4, 16, 16)
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, 2:9, 3:12] = 1
    mask[1, :, 10:12, 10:11] = 1
    back = with_spectrum(first + mask * draw(2, 4, 16, 16, seed=5), first, mask)
    assert torch.equal(back * (1 - mask), first * (1 - mask))
    assert_close(back[1, :, 10:12, 10:11].square().sum((1, 2)),
                 first[1, :, 10:12, 10:11].square().sum((1, 2)))  # fmt: skip


def test_a_run_on_white_noise_keeps_the_spectrum_and_still_gets_better():
    settings = Settings(num_steps=2, iterations=8, lr_noise=0.1, white=True, result="last")
    found, _, noise = run(settings, towards(draw(2, 4, 12, 12, seed=3)))
    expected = noise.flatten(2).norm(dim=2)
    assert_close(found.noise.flatten(2).norm(dim=2), expected, rtol=1e-4, atol=1e-4)
    assert (found.losses.amin(0) < found.losses[0]).all()
    free, _, _ = run(
        dataclasses.replace(settings, white=False), towards(draw(2, 4, 12, 12, seed=3))
    )
    assert not torch.allclose(free.noise.flatten(2).norm(dim=2), expected, rtol=1e-3)


def test_a_run_ends_where_the_gain_ends():
    """Losses 1, 0.5, 0.4, 0.35, 0.33, ...: each fall beside the fall so far is 1, 0.17, 0.08, .."""
    values = iter([1.0, 0.5, 0.4, 0.35, 0.33, 0.325, 0.324, 0.3239])

    def loss(x0):
        return x0.sum((1, 2, 3)) * 0 + next(values)

    enough = Settings(num_steps=1, iterations=7, lr_noise=0.01, patience=2, least_gain=0.1)
    found, _, _ = run(enough, loss, batch=1)
    # 0.4 is progress (0.1 of 0.6); 0.35 is not (0.05 of 0.65); 0.33 is (0.07 of 0.67, since 0.4).
    assert found.losses[:, 0].tolist() == pytest.approx([1.0, 0.5, 0.4, 0.35, 0.33, 0.325, 0.324])
    assert int(found.chosen) == 6


def test_without_gradients_through_the_model_it_is_flowopts_step_written_out():
    """``N <- N - eta (f(N) - L)`` for half the squared distance to the source, inside the mask."""
    calls = []

    def counted(x, t):
        calls.append(torch.is_grad_enabled())
        return velocity(x, t)

    mask = torch.zeros(1, 1, 12, 12)
    mask[..., 2:9, 3:12] = 1
    source, noise = draw(2, 4, 12, 12, seed=1), draw(2, 4, 12, 12, seed=2)
    settings = Settings(
        num_steps=3,
        iterations=4,
        lr_noise=0.5,
        through_model=False,
        prediction="flow",
        keep_all=True,
    )

    def loss(x0):
        return (x0 - source).square().flatten(1).sum(1) / 2

    found = optimise(counted, loss, SCHEDULE, source, mask, noise, settings)
    assert found.noises is not None
    assert found.iterates is not None
    for now, following, x0 in zip(
        found.noises[:-1], found.noises[1:], found.iterates[:-1], strict=True
    ):
        assert_close(following, now - 0.5 * mask * (x0 - source))
    assert (found.losses[-1] < found.losses[0]).all()
    assert calls == [False] * 15  # 5 runs of 3 steps, no way back
    assert torch.equal(found.trajectory[0], found.trajectory[-1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"longest_step": 0.0}, "longest_step: expected above 0, got 0.0"),
        ({"least_gain": 1.0}, "least_gain: expected 0 or more, below 1, got 1.0"),
        ({"least_gain": -0.1}, "least_gain: expected 0 or more"),
    ],
)
def test_settings_of_steps_out_of_range_name_themselves(given, message):
    with pytest.raises(ValueError, match=message):
        Settings(**given)
