"""Criteria, masks and the guard of BISSelect and ELECTSampler: who is elected, what is said."""

import re

import pytest
import torch
from torch.testing import assert_close

from elect_tino.harness.server.comfy_server import PACK_ROOT

from .test_elect_sampler import whole  # noqa: F401
from .test_score import left_half, with_estimates
from .test_seed_truth import count_calls

pytestmark = pytest.mark.comfy
BY_CRITERION = ("BISSelect", "ELECTSampler", "ELECTRace")
PASSAGE = re.compile(r"^- `criterion` .*\n(?:  .*\n)*", re.M)


@pytest.fixture(scope="module")
def found(elect, scene, guiders):
    return elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, num_candidates=5)


def edited(scene, *changes: tuple[float, float]):
    """Estimates that differ from the source by one number left and one right."""

    def change(samples):
        for row, (left, right) in zip(samples, changes, strict=True):
            row[:] = scene.source[0]
            row[..., :4] += left
            row[..., 4:] += right

    return change


LAZY, GOOD, BROAD = (0.0, 0.0), (10.0, 1.0), (30.0, 2.0)


@pytest.mark.parametrize(
    ("criterion", "elected"), [("bis", 1), ("ratio", 3), ("consensus", 0), ("composite", 4)]
)
def test_each_criterion_elects_by_its_own_rule(elect, scene, found, criterion, elected):
    changes = ((10.0, 1.1), (8.0, 0.9), (10.0, 1.2), BROAD, (10.1, 1.0))
    estimates = with_estimates(found, edited(scene, *changes))
    options = {"estimates": estimates, "mask": left_half(), "criterion": criterion}
    assert elect.select(found, **options).ui["elect"][0]["elected"] == elected


def test_every_criterion_is_told_in_the_tooltip_and_alike_on_each_help_page():
    from elect_tino.elect_core.score import CRITERIA
    from elect_tino.nodes.elect.select import BISSelect

    told = {one.id: one.tooltip for one in BISSelect.define_schema().inputs}["criterion"]
    assert [name for name in CRITERIA if f" {name}: " not in told] == []
    pages = (PACK_ROOT / "web" / "docs" / f"{node}.md" for node in BY_CRITERION)
    (passage,) = {PASSAGE.findall(page.read_text(encoding="utf-8"))[0] for page in pages}
    words = " ".join(passage.split())
    assert [name for name in CRITERIA if f"`{name}`: " not in words] == []
    assert f"({', '.join(f'`{name}`' for name in CRITERIA)})" in words


def test_most_seeds_that_did_nothing_are_said_and_none_is_elected(elect, scene, found):
    estimates = with_estimates(found, edited(scene, LAZY, LAZY, GOOD, LAZY, LAZY))
    options = {"estimates": estimates, "mask": left_half()}
    assert elect.select(found, **options)[1] == found.seeds[0]
    guarded = elect.select(found, **options, minimum_edit=0.8)
    assert guarded[1] == found.seeds[2]
    assert "4 of 5 seeds left the picture as it was." in guarded[2]
    assert "4 of 5 were set aside: how much more they change inside the mask" in guarded[2]
    facts = guarded.ui["elect"][0]
    assert (facts["idle"], facts["set_aside"]) == (4, 4)


def test_where_nobody_edits_it_is_said(elect, scene, found):
    estimates = with_estimates(found, edited(scene, *[(0.1 + k / 100, 0.2) for k in range(5)]))
    assert (
        "perhaps none made the edit"
        in elect.select(found, estimates=estimates, mask=left_half(), minimum_edit=0.8)[2]
    )


def test_the_token_mask_needs_no_relevance_and_is_that_of_its_kernel(elect, scene, found):
    from elect_tino.elect_core.relevance import token_weight
    from elect_tino.elect_core.score import background_inconsistency
    from elect_tino.nodes.host.latents import mask_like, to_mask

    estimates = with_estimates(found, edited(scene, *[(10.0 + k, 0.0) for k in range(5)]))
    shown = elect.select(found, estimates=estimates, mask_from="tokens").ui["elect"][0]
    scale = scene.model.model.process_latent_in
    source, made = scale(scene.source), scale(estimates["samples"])
    weight = mask_like(to_mask(token_weight(source, made), 80, 64), made)
    expected = background_inconsistency(source, made, weight)
    assert_close(torch.tensor(shown["bis"]), expected, atol=1e-5, rtol=1e-4)


def test_the_change_mask_needs_no_relevance_and_finds_the_common_edit(elect, scene, found):
    estimates = with_estimates(found, edited(scene, *[(10.0 + k, 0.0) for k in range(5)]))
    given = {"estimates": estimates, "mask_from": "change"}
    shown = elect.select(found, **given).ui["elect"][0]
    # Bilinear enlargement softens the border of the mask by half a cell on either side.
    assert shown["bis"][0] < 0.1 * shown["change_inside"][0]
    plain = elect.select(found, **{**given, "mask_from": "relevance"}, mask=left_half())
    assert_close(
        torch.tensor(shown["change_inside"]),
        torch.tensor(plain.ui["elect"][0]["change_inside"]),
        rtol=0.1,
        atol=0.0,
    )


def test_both_masks_together_count_either(elect, scene, found):
    relevance = 1 - left_half()
    estimates = with_estimates(found, edited(scene, *[(10.0, 1.0)] * 5))
    options = {"estimates": estimates, "relevance": relevance * 0.9}
    both = elect.select(found, **options, mask_from="both").ui["elect"][0]
    one = elect.select(found, **options).ui["elect"][0]
    assert both["bis"][0] < 0.5 * one["bis"][0]


def test_the_change_mask_saves_the_null_texts_calls(whole, scene, monkeypatch):  # noqa: F811
    null = [[torch.zeros(1, 7, 16), {}]]
    calls = count_calls(monkeypatch, scene)
    whole(guider="basic", null=null)
    with_null = len(calls)
    calls.clear()
    out = whole(guider="basic", null=null, mask_from="change")
    assert len(calls) == with_null - 4 * 2  # four candidates, two steps of the window
    assert 0 < float(out[2].mean()) < 1


def test_confidence_is_a_probability_in_words(elect, found):
    facts = elect.select(found, mask=left_half()).ui["elect"][0]
    assert 1 / 5 <= facts["confidence"] < 1
    assert "would still be first at the end" in facts["confidence_words"]


def test_of_those_run_to_their_end_the_order_is_final(elect, scene, guiders):
    done = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, stop=1.0)
    facts = elect.select(done, mask=left_half()).ui["elect"][0]
    assert (
        facts["confidence_words"]
        == "all have run to their end, so by this score the order is final"
    )
    assert facts["confidence"] < 1


def test_one_step_says_nothing_of_confidence(elect, scene, guiders):
    found = elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, stop=0.01)
    out = elect.select(found, mask=left_half())
    assert out.ui["elect"][0]["confidence"] is None
    assert "one step says nothing" in out[2]


def test_a_new_nodes_guard_is_on_and_the_papers_form_is_zero():
    from elect_tino.nodes.elect.elect_sampler import ELECTSampler
    from elect_tino.nodes.elect.select import BISSelect

    for node in (BISSelect, ELECTSampler):
        defaults = {
            given.id: given.default
            for given in node.define_schema().inputs[-20:]
            if hasattr(given, "default")
        }
        assert defaults["minimum_edit"] == 0.8
        assert (defaults["criterion"], defaults["mask_from"]) == ("bis", "relevance")
