"""BISSelect: the steadiest background wins, everything about the choice is shown."""

import json
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


class Halves:
    """Stands for a VAE: pictures are latents' first three channels, eight times larger."""

    def decode(self, latent):
        return latent[:, :3].repeat_interleave(8, -1).repeat_interleave(8, -2).movedim(1, -1) / 20

    def encode(self, image):
        small = image.movedim(-1, 1)[:, :, ::8, ::8] * 20
        return torch.cat([small, torch.zeros_like(small[:, :1])], 1)


@pytest.fixture(scope="module")
def found(elect, scene, guiders):
    return elect.partial(guiders["dual"], "euler", scene.sigmas, scene.latent, num_candidates=5)


@pytest.fixture(scope="module")
def relevance(elect, found):
    return elect.relevance(found)[0]


def left_half() -> torch.Tensor:
    mask = torch.zeros(1, 80, 64)
    mask[..., :32] = 1
    return mask


def with_estimates(found, change):
    """The candidates with their last estimates changed by `change(samples)`."""
    samples = found.estimates().clone()
    change(samples)
    return {"samples": samples}


def test_bis_is_the_mean_background_change_in_the_models_scale(elect, scene, found):
    ui = elect.select(found, mask=left_half()).ui["elect"][0]
    change = (found.estimates() - scene.source).abs().mean(1) * 0.18215
    assert_close(torch.tensor(ui["scores"]), change[..., 4:].mean((1, 2)), atol=1e-6, rtol=1e-5)
    assert_close(
        torch.tensor(ui["change_inside"]), change[..., :4].mean((1, 2)), atol=1e-6, rtol=1e-5
    )
    assert ui["elected"] == ui["scores"].index(min(ui["scores"]))


def test_a_candidate_that_wrecks_the_background_loses_and_one_that_keeps_it_wins(
    elect, scene, found
):
    def change(samples):
        samples[1, ..., 4:] = scene.source[..., 4:]
        samples[3, ..., 4:] += 900

    out = elect.select(found, estimates=with_estimates(found, change), mask=left_half())
    assert out.ui["elect"][0]["order"][0] == 1
    assert out.ui["elect"][0]["order"][-1] == 3
    assert out[1] == found.seeds[1]
    assert out[0].seeds == (found.seeds[1],)


def test_pixel_space_compares_decoded_pictures_with_the_decoded_encoding(elect, scene, found):
    vae = Halves()
    ui = elect.select(found, mask=left_half(), space="pixel", vae=vae).ui["elect"][0]
    pictures, source = vae.decode(found.estimates()), vae.decode(scene.source)
    change = (pictures - source).abs().mean(-1)
    assert_close(torch.tensor(ui["scores"]), change[..., 32:].mean((1, 2)), atol=1e-6, rtol=1e-5)


def test_the_source_is_found_in_the_conditioning_or_given_as_latent_or_picture(elect, scene, found):
    mask, vae = left_half(), Halves()
    own = elect.select(found, mask=mask).ui["elect"][0]["scores"]
    latent = {"samples": scene.source}
    assert elect.select(found, mask=mask, source=latent).ui["elect"][0]["scores"] == own
    other = {"samples": torch.zeros_like(scene.source)}
    assert elect.select(found, mask=mask, source=other).ui["elect"][0]["scores"] != own
    image = vae.decode(scene.source)
    given = elect.select(found, mask=mask, source_image=image, vae=vae).ui["elect"][0]["scores"]
    encoded = {"samples": vae.encode(image)}
    assert elect.select(found, mask=mask, source=encoded).ui["elect"][0]["scores"] == given


def test_own_mask_goes_before_the_relevance_map(elect, found, relevance):
    both = elect.select(found, relevance=relevance, mask=left_half()).ui["elect"][0]
    assert both["scores"] == elect.select(found, mask=left_half()).ui["elect"][0]["scores"]
    assert both["scores"] != elect.select(found, relevance=relevance).ui["elect"][0]["scores"]


def test_pick_and_top_k_choose_what_goes_on(elect, found, relevance):
    order = elect.select(found, relevance=relevance).ui["elect"][0]["order"]
    out = elect.select(found, relevance=relevance, pick=3, top_k=3)
    assert out[0].seeds[0] == out[1] == found.seeds[2]
    rest = [found.seeds[i] for i in order if i != 2]
    assert list(out[0].seeds[1:]) == rest[:2]
    assert len(elect.resume(out[0])[0]["samples"]) == 3


def test_ranked_estimates_are_best_first(elect, found, relevance):
    out = elect.select(found, relevance=relevance)
    order = out.ui["elect"][0]["order"]
    assert torch.equal(out[3]["samples"], found.estimates()[torch.tensor(order)])


def test_minimum_edit_passes_over_a_candidate_left_unedited(elect, scene, found):
    def unedited(samples):
        samples[2] = scene.source

    estimates = with_estimates(found, unedited)
    assert elect.select(found, estimates=estimates, mask=left_half())[1] == found.seeds[2]
    out = elect.select(found, estimates=estimates, mask=left_half(), minimum_edit=0.3)
    assert out[1] != found.seeds[2]
    assert "not electable" in out[2]


def test_a_nan_candidate_is_left_out_and_said(elect, found, relevance):
    def broken(samples):
        samples[:] = samples
        samples[0, 0, 0, 0] = torch.nan

    out = elect.select(found, estimates=with_estimates(found, broken), relevance=relevance)
    assert out[1] != found.seeds[0]
    assert "1 candidates are NaN" in out[2]
    assert json.loads(json.dumps(out.ui["elect"], allow_nan=False))[0]["scores"][0] is None


def test_all_nan_is_an_error(elect, found, relevance):
    estimates = with_estimates(found, lambda samples: samples.fill_(torch.nan))
    with pytest.raises(ValueError, match="scores: all 5 candidates are NaN"):
        elect.select(found, estimates=estimates, relevance=relevance)


def test_seeds_that_barely_differ_are_said(elect, scene, found):
    def alike(samples):
        samples[:] = samples[:1]

    out = elect.select(found, estimates=with_estimates(found, alike), mask=left_half())
    assert "barely differ, so any of them may be taken" in out[2]
    assert "confidence" not in out[2]
    assert out[1] == found.seeds[0]  # ties go to the first


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "relevance: nothing says where the edit is"),
        ({"mask": torch.zeros(1, 80, 64)}, "mask: it is empty"),
        ({"mask": torch.ones(1, 80, 64)}, "mask: it covers the whole picture"),
        ({"mask": torch.rand(1, 64, 256)}, "mask: expected the picture's shape 64x80"),
        ({"mask": left_half() * 3}, "mask: expected values from 0 to 1"),
        ({"relevance": torch.ones(1, 80, 64)}, "relevance: it covers the whole picture"),
        ({"mask": left_half(), "pick": 6}, "pick: expected 0 for automatic or .* 1 to 5, got 6"),
        ({"mask": left_half(), "csv_prefix": "../out"}, "csv_prefix: expected a path below"),
        ({"mask": left_half(), "csv_prefix": "x" * 300}, "csv_prefix: expected names of at most"),
        ({"mask": left_half(), "space": "pixel"}, "vae: scoring in pixel space needs a VAE"),
        (
            {"mask": left_half(), "source": {"samples": torch.zeros(1, 4, 12, 8)}},
            r"source: expected the source's latent .*\(4, 10, 8\), got \(4, 12, 8\)",
        ),
        ({"mask": left_half(), "source_image": torch.rand(1, 80, 64, 3)}, "vae: source_image"),
        (
            {"mask": left_half(), "source_image": torch.rand(1, 300, 64, 3), "vae": Halves()},
            "source_image: expected the source picture at 64x80",
        ),
        (
            {"mask": left_half(), "estimates": {"samples": torch.zeros(2, 4, 10, 8)}},
            "estimates: expected one for each candidate",
        ),
    ],
)
def test_bad_input_names_what_to_change(elect, found, given, message):
    with pytest.raises(ValueError, match=message):
        elect.select(found, **given)


def test_without_any_source_the_error_says_what_to_connect(elect, found):
    guider = type(found.run.guider)(found.run.model)
    guider.set_conds([[torch.zeros(1, 7, 16), {}]], [[torch.zeros(1, 7, 16), {}]], [])
    blind = replace(found, run=replace(found.run, guider=guider))
    with pytest.raises(ValueError, match="source: the candidates' conditioning holds no source"):
        elect.select(blind, mask=left_half())


def test_any_recorded_step_can_be_estimated(elect, found):
    steps = [elect.estimate(found, step)["samples"] for step in (1, 2, 3)]
    assert torch.equal(steps[-1], elect.estimate(found)["samples"])
    assert not torch.equal(steps[0], steps[1])
    with pytest.raises(ValueError, match="step: the candidates ran 3 steps"):
        elect.estimate(found, 4)


def test_shift_of_the_whole_picture_is_reported_and_undone_when_asked(elect, scene, found):
    source = scene.source.repeat_interleave(2, -1).repeat_interleave(2, -2)  # something to go by
    smooth = torch.nn.functional.avg_pool2d(source, 3, 1, 1)[..., 1:11, 1:9].contiguous()

    def shifted(samples):
        samples[:] = smooth + torch.linspace(0.1, 0.2, len(samples)).reshape(-1, 1, 1, 1)
        samples[3] = torch.cat([smooth[0, :, :1], smooth[0, :, :-1]], 1)  # one cell down

    given = {
        "estimates": with_estimates(found, shifted),
        "mask": torch.zeros(1, 80, 64).index_fill(1, torch.arange(36, 44), 1.0),
        "source": {"samples": smooth},
    }
    plain, aligned = elect.select(found, **given), elect.select(found, **given, align=True)
    assert plain.ui["elect"][0]["shifts"] is None
    assert "shift" not in plain.ui["text"][0]
    shown = aligned.ui["elect"][0]
    # One cell is eight pixels; on ten cells the window pulls the peak a little towards zero.
    assert shown["shifts"][3] == pytest.approx([8, 0], abs=1)
    assert all(shift == [0.0, 0.0] for i, shift in enumerate(shown["shifts"]) if i != 3)
    assert plain.ui["elect"][0]["elected"] != 3
    assert shown["elected"] == 3
    assert shown["scores"][3] < 0.5 * plain.ui["elect"][0]["scores"][3]
    assert f"{shown['shifts'][3][0]:+g} +0" in aligned.ui["text"][0]


def test_nan_candidate_does_not_disturb_the_alignment_of_the_others(elect, found):
    estimates = with_estimates(found, lambda samples: samples[1].fill_(float("nan")))
    shown = elect.select(found, estimates=estimates, mask=left_half(), align=True).ui["elect"][0]
    assert shown["shifts"][1] == [0.0, 0.0]
    assert shown["scores"][1] is None
    assert shown["order"][-1] == 1
