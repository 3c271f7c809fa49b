"""What a user should know or change is said before candidates are run."""

import pytest
import torch

pytestmark = pytest.mark.comfy


def test_a_stop_inside_the_window_is_told_before_the_run_and_after(elect, scene, guiders, caplog):
    found = elect.partial(
        guiders["dual"], "euler", scene.sigmas, scene.latent, stop=0.13, relevance_window=0.5
    )
    told = "window covers 4 steps, but the candidates stop after 1"
    assert told in caplog.records[0].message
    out = elect.relevance(found, end=0.5)
    assert told in out.ui["text"][0]
    assert elect.relevance(found, end=0.13).ui is None


def test_an_empty_noise_mask_is_refused_where_seeds_would_compete(elect, scene, guiders):
    blank = {**scene.latent, "noise_mask": torch.zeros(1, 1, 80, 64)}
    with pytest.raises(ValueError, match="latent_image: its noise mask is empty"):
        elect.partial(guiders["dual"], "euler", scene.sigmas, blank)
    alone = elect.partial(guiders["dual"], "euler", scene.sigmas, blank, num_candidates=1)
    assert len(alone.seeds) == 1


def test_widgets_are_checked_when_a_run_is_queued():
    from elect_tino.nodes.elect.partial import MultiSeedPartialSampler
    from elect_tino.nodes.elect.relevance import RelevanceMapAggregate
    from elect_tino.nodes.elect.select import BISSelect

    assert MultiSeedPartialSampler.validate_inputs(seeds=None) is True  # comes by a wire
    assert "got 'x'" in str(MultiSeedPartialSampler.validate_inputs(seeds="1, x"))
    assert RelevanceMapAggregate.validate_inputs(window_start=0.5, window_end=None) is True
    assert "window_start <" in str(RelevanceMapAggregate.validate_inputs(0.5, 0.2))
    assert BISSelect.validate_inputs(space="pixel", vae=None) is True
    assert "vae: " in str(BISSelect.validate_inputs(space="pixel"))
    assert "space: " in str(BISSelect.validate_inputs(space="both"))
    assert BISSelect.validate_inputs(space=None) is True
