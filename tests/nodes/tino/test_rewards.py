"""Rewards in TiNOOptimize: their gradient, ours and a user's own, alone and beside other losses."""

import re
from types import SimpleNamespace

import pytest
import torch

from ...test_library import EXAMPLES
from ...test_library import run as run_example
from .test_concepts import embedded

__all__ = ["embedded"]

pytestmark = pytest.mark.comfy
ALONE = {"source_text": None, "target_text": None, "latent_clip": None}


def reward(*args, **given):
    from elect_tino.nodes.tino.rewards import TiNOReward

    return TiNOReward.execute(*args, **given).args[0]


def fell(text):
    first, best = re.findall(r"loss (-?[\d.]+) -> (-?[\d.]+)", text)[0]
    return float(first) - float(best)


def test_a_users_own_reward_is_raised_alone_and_beside_the_text(optimize):
    (node,) = [run_example(EXAMPLES[2])["CalmReward"]]
    own = node.execute(2.0).args[0]
    calm = lambda run: float(own.score(run.latent)[0])  # noqa: E731
    start = optimize(iterations=0, reward=own)
    alone = optimize(reward=own, lr_noise=0.1, **ALONE)
    assert fell(alone.text) > 0
    assert calm(alone) > calm(start)
    assert "first result calm" in alone.text
    both = optimize(reward=[own, own], lr_noise=0.1)
    assert re.search(r"first result semantic \S+, calm 1 \S+, calm 2", both.text)


def test_its_gradient_to_the_noise_is_that_of_central_differences(optimize, world):
    """A first clipped step of no limit is -1.9 lr times the gradient."""
    own = SimpleNamespace(score=lambda x: x.square().mean((1, 2, 3)), weight=3.0)
    given = {
        "reward": own,
        "optimiser": "clipped gradient (ReNO)",
        "gradient_norm": 1000.0,
        "lr_timesteps": 0.0,
        "result": "last",
        **ALONE,
    }
    first = optimize(iterations=0, **given).noise.noise
    gradient = (first - optimize(iterations=1, lr_noise=1.0, **given).noise.noise) / 1.9
    direction = gradient / gradient.norm()
    import comfy.sample

    def value(sign):
        moved = first + sign * 0.1 * direction
        keep = comfy.sample.prepare_noise
        comfy.sample.prepare_noise = lambda *_: moved
        try:
            text = optimize(iterations=1, lr_noise=0.0, **given).text
        finally:
            comfy.sample.prepare_noise = keep
        return float(re.findall(r"loss (-?[\d.]+) ->", text)[0])

    slope = (value(1) - value(-1)) / 0.2
    assert slope == pytest.approx(float(gradient.norm()), rel=0.05)
    assert slope > 0


@pytest.mark.parametrize("with_vae", [False, True])
def test_more_or_less_saturation_is_what_comes_out(optimize, embedded, with_vae):
    from elect_tino.nodes.tino.rewards import TiNOReward
    from elect_tino.tino_core.scores import SCORES

    model, clip, vae = embedded
    with torch.inference_mode():
        positive = clip.encode_from_tokens_scheduled(clip.tokenize("a red star on grass"))
        source = {"samples": vae.encode(torch.rand(1, 32, 32, 3) * 0.4 + 0.3)}

    def shown(weight):
        found = TiNOReward.execute("saturation", weight, model, vae if with_vae else None)
        run = optimize(
            model=model,
            positive=positive,
            source=source,
            mask=None,
            reward=found.args[0],
            lr_noise=0.1,
            lr_timesteps=0.0,
            **ALONE,
        )
        assert fell(run.text) > 0
        with torch.inference_mode():
            return float(SCORES["saturation"](vae.decode(run.latent).movedim(-1, 1)[:, :3])[0])

    assert shown(5.0) > shown(-5.0) + 0.005


def test_rewards_chain_and_elect_first_noises(optimize, embedded):
    model = embedded[0]
    two = reward("warmth", -1.0, model, reward=reward("contrast", 0.5, model))
    assert [one.name for one in two] == ["contrast", "warmth"]
    own = SimpleNamespace(score=lambda x: x.mean((1, 2, 3)))
    elected = optimize(iterations=0, tries=4, reward=own, **ALONE)
    losses = [
        -float(optimize(iterations=0, seed=11 + n, reward=own).latent.mean()) for n in range(4)
    ]
    best = min(range(4), key=losses.__getitem__)
    assert f"try {best + 1} of 4 elected" in elected.text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (object(), "reward: expected an object with score"),
        (SimpleNamespace(score=lambda x: x), "reward: reward gave a score of shape"),
        (SimpleNamespace(score=lambda x: x.mean((1, 2, 3)), weight=0.0), "nothing to optimise"),
    ],
)
def test_what_is_no_reward_is_refused(optimize, given, message):
    with pytest.raises(ValueError, match=message):
        optimize(reward=given, **ALONE)


def test_latents_without_a_linear_preview_ask_for_the_vae():
    from elect_tino.nodes.tino.pictures import previewed

    with pytest.raises(ValueError, match="vae: latents of SimpleNamespace have no linear preview"):
        previewed(SimpleNamespace(latent_rgb_factors=None), torch.zeros(1, 4, 2, 2))
