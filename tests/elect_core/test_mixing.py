"""Noise between noises keeps its length, and its ends."""

import math

import pytest
import torch
from torch.testing import assert_close

from elect_tino.elect_core import (
    colours_matched,
    edited_from,
    feathered,
    jittered,
    kept_outside,
    regional_mix,
    spherical_mix,
)

G = torch.Generator().manual_seed(0)
NEAR, FAR = torch.randn(1, 4, 16, 16, generator=G), torch.randn(3, 4, 16, 16, generator=G)


def test_the_ends_are_the_two_noises():
    assert_close(spherical_mix(NEAR, FAR, 0.0), NEAR.expand_as(FAR), atol=1e-6, rtol=1e-6)
    assert_close(spherical_mix(NEAR, FAR, 1.0), FAR, atol=1e-6, rtol=1e-6)


def test_noises_more_than_a_right_angle_apart_are_mixed_along_their_arc():
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[-0.6, 0.8]])
    for strength in (0.25, 0.5, 0.75):
        angle = strength * math.acos(-0.6)
        expected = torch.tensor([[math.cos(angle), math.sin(angle)]])
        assert_close(spherical_mix(one, other, strength), expected)


def test_a_right_angle_by_hand():
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    at = math.radians(30)
    assert_close(spherical_mix(a, b, 1 / 3), torch.tensor([[math.cos(at), math.sin(at)]]))


@pytest.mark.parametrize("strength", [0.1, 0.5, 0.9])
def test_it_is_as_long_as_noise_is(strength):
    mixed = spherical_mix(NEAR, FAR, strength)
    assert_close(mixed.std(), torch.tensor(1.0), atol=0.05, rtol=0)
    assert len({float(one.sum()) for one in mixed}) == 3


def test_the_same_noise_stays():
    assert_close(spherical_mix(NEAR, NEAR.clone(), 0.4), NEAR, atol=1e-6, rtol=1e-6)


def test_a_region_has_its_own_noise_and_the_rest_its_old():
    weight = torch.zeros(1, 1, 16, 16)
    weight[..., :8], weight[..., 8] = 1, 0.5
    mixed = regional_mix(NEAR, FAR, weight)
    assert torch.equal(mixed[..., :8], FAR[..., :8])
    assert torch.equal(mixed[..., 9:], NEAR.expand_as(FAR)[..., 9:])
    assert_close(mixed[..., 8], (NEAR + FAR)[..., 8] * 0.5**0.5)


def test_feather_keeps_the_mask_and_reaches_as_far_as_it_says():
    mask = torch.zeros(1, 40, 40)
    mask[..., 20:] = 1
    soft = feathered(mask, 8)[0, 20]
    assert torch.equal(feathered(mask, 0), mask)
    assert (soft[20:] > 0.9999).all()
    assert (soft[:12] < 1e-6).all()
    assert 0.01 < float(soft[12]) < 0.2
    assert 0.4 < float(soft[15:17].mean()) < 0.6
    assert (soft.diff() >= -1e-6).all()


def test_feather_is_the_same_in_every_direction_up_to_its_square():
    mask = torch.zeros(1, 41, 41)
    mask[0, 20, 20] = 1
    soft = feathered(mask, 12)
    assert_close(soft, soft.mT)
    assert_close(soft, soft.flip(-1))
    assert float(soft[0, 20, 20]) > 0.9999
    assert (soft[0, 20] > 1e-6).sum() == 2 * 12 + 1


def test_a_soft_map_says_yes_or_no_by_its_own_highest_value():
    soft = torch.tensor([[[0.0, 0.03, 0.1, 0.4]], [[0.0, 0.1, 0.5, 1.0]]])
    expected = torch.tensor([[[0.0, 0, 1, 1]], [[0.0, 0, 1, 1]]])
    assert torch.equal(edited_from(soft, 0.2), expected)
    assert torch.equal(edited_from(soft, 0.0), soft)
    assert edited_from(torch.zeros(1, 2, 2), 0.2).sum() == 0


def test_outside_is_the_source_exactly():
    weight = torch.zeros(1, 1, 16, 16)
    weight[..., :8] = 1
    blended = kept_outside(FAR, NEAR, weight)
    assert torch.equal(blended[..., 8:], NEAR.expand_as(FAR)[..., 8:])
    assert torch.equal(blended[..., :8], FAR[..., :8])


def test_a_tone_cast_is_undone_by_the_background_alone():
    source = torch.rand(1, 16, 16, 3, generator=G) * 0.5 + 0.2
    edited = source.clone()
    edited[:, :8] = 0.9  # the edit
    cast = edited * torch.tensor([0.8, 1.1, 0.9]) + 0.02
    weight = torch.zeros(1, 16, 16)
    weight[:, :8] = 1
    assert_close(colours_matched(cast, source, weight), edited, atol=1e-4, rtol=1e-4)
    assert torch.equal(colours_matched(cast, source, torch.ones(1, 16, 16)), cast)


def test_a_channel_without_contrast_in_the_background_is_only_shifted():
    source, result = torch.full((1, 16, 16, 3), 0.25), torch.full((1, 16, 16, 3), 0.5)
    weight = torch.zeros(1, 16, 16)
    weight[:, 4:8, 4:8] = 1
    result[:, 4:8, 4:8] = 0.75
    assert_close(colours_matched(result, source, weight), result - 0.25)


def test_jitter_keeps_the_length_of_every_vector_and_turns_it_by_the_strength():
    text = torch.tensor([[[3.0, 4.0], [0.0, 2.0]]])
    noise = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 0.0]]])
    moved = jittered(text, noise, 2**0.5)  # length / sqrt(D) * strength is the vector's length
    assert_close(moved.norm(dim=-1), torch.tensor([[5.0, 2.0], [5.0, 2.0]]))
    assert_close(moved[0, 0], 5 * torch.tensor([8.0, 4.0]) / 80**0.5)
    assert_close(moved[1, 1], torch.tensor([2.0, 2.0]) / 2**0.5)
    assert_close(jittered(text, noise, 0.0), text.expand(2, -1, -1))
    longer = jittered(text.repeat(1, 3, 1), noise.repeat(1, 3, 1), 2**0.5)
    assert_close(longer, moved.repeat(1, 3, 1))  # a vector's own length counts, not how many are
    assert not jittered(torch.zeros(1, 1, 2), noise[:, :1], 1.0).any()
