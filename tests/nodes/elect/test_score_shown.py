"""What an election shows of itself: table, facts, pictures, files."""

import csv

import pytest
from PIL import Image

from .test_score import Halves, found, left_half, relevance

__all__ = ["found", "relevance"]

pytestmark = pytest.mark.comfy


def test_table_and_csv_hold_every_candidate(elect, found, relevance):
    out = elect.select(found, relevance=relevance, csv_prefix="elect/test")
    with open(out.ui["csv"][0], newline="") as file:
        lines = list(csv.DictReader(file))
    facts = out.ui["elect"][0]
    assert [int(line["candidate"]) - 1 for line in lines] == facts["order"]
    assert [float(line["bis"]) for line in lines] == sorted(facts["scores"])
    assert all(str(seed) in out[2] for seed in found.seeds)
    assert len(out.ui["elect"][0]["pictures"]["candidates"]) == 5


def test_facts_count_what_the_method_costs(elect, found, relevance):
    facts = elect.select(found, relevance=relevance).ui["elect"][0]
    assert facts["nfe"] == 5 * 3 + 5
    assert facts["nfe_best_of_n"] == 5 * 8
    assert facts["nfe_spent"] == 15
    assert facts["stop_sigma"] == pytest.approx(float(found.run.sigmas[3]))


def test_facts_count_the_calls_of_samplers_that_make_two_a_step(elect, scene, guiders):
    found = elect.partial(guiders["cfg"], "heun", scene.sigmas, scene.latent)
    facts = elect.select(found, mask=left_half()).ui["elect"][0]
    calls = len(found.tape.calls)
    assert calls > found.stop_step
    assert facts["nfe_spent"] == 3 * calls
    assert facts["nfe"] == 3 * calls + round(5 * calls / 3)


def test_thumbnails_do_without_a_vae_on_hosts_of_both_ages(elect, found, relevance, monkeypatch):
    import latent_preview

    class Older(latent_preview.Latent2RGBPreviewer):
        def __init__(self, latent_rgb_factors, latent_rgb_factors_bias=None):
            super().__init__(latent_rgb_factors, latent_rgb_factors_bias)

    monkeypatch.setattr(latent_preview, "Latent2RGBPreviewer", Older)
    assert (
        len(elect.select(found, relevance=relevance).ui["elect"][0]["pictures"]["candidates"]) == 5
    )


def test_another_choice_scores_decodes_and_writes_nothing_again(elect, found):
    class Counting(Halves):
        decoded = 0

        def decode(self, latent):
            Counting.decoded += 1
            return super().decode(latent)

    given = {"mask": left_half(), "vae": Counting(), "csv_prefix": "elect/again"}
    first = elect.select(found, **given)
    decoded, seed = Counting.decoded, found.seeds[3]
    second = elect.select(found, **given, pick_seeds=f"{seed}, {found.seeds[0]}")
    assert decoded > 0
    assert Counting.decoded == decoded
    assert second.ui["csv"] == first.ui["csv"]
    assert (
        second.ui["elect"][0]["pictures"]["candidates"]
        == first.ui["elect"][0]["pictures"]["candidates"]
    )
    assert second[1] == seed
    assert second[0].seeds == (seed, found.seeds[0])


def test_pictures_of_source_region_and_candidates_are_files(elect, found):
    import folder_paths

    pictures = elect.select(found, mask=left_half(), vae=Halves()).ui["elect"][0]["pictures"]
    assert len(pictures["candidates"]) == 5
    assert pictures["source"]["type"] == "temp"
    region = pictures["relevance"]
    with Image.open(f"{folder_paths.get_temp_directory()}/{region['filename']}") as picture:
        assert picture.getchannel("A").getextrema() == (0, 255)
