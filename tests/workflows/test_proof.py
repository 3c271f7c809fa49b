"""What an election bought: the elected picture and all seeds against the known truth."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.embedded.world.examples import index, truth_of
from elect_tino.harness.proof import edited_example, finish_all, measure, told
from elect_tino.harness.workflows.summary import nodes_of

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytest.importorskip("skimage")
FIRST = next(iter(index()))


def picture(array: np.ndarray) -> Image.Image:
    return Image.fromarray((array * 255).round().astype(np.uint8))


def test_the_true_edit_succeeds_and_the_source_does_not():
    truth = truth_of(FIRST)
    found = measure(truth, [picture(truth.target), picture(truth.source)])
    assert found["succeeded"] == 0.5
    assert found["of"] == 2
    assert found["background_error"] < 1e-1  # of rounding to bytes


def test_a_changed_background_counts():
    truth = truth_of(FIRST)
    assert measure(truth, [picture(np.clip(truth.target + 0.1, 0, 1))])["background_error"] > 50


def test_other_pictures_have_no_known_truth():
    assert edited_example({"1": {"class_type": "LoadImage", "inputs": {}}}) is None
    assert told({}) == ""


def test_both_lines_say_what_they_compare():
    elected = {"background_error": 5.04, "succeeded": 1.0, "of": 1}
    everyone = {"background_error": 20.06, "succeeded": 0.75, "of": 16}
    assert "5.0, and it did what was asked; --proof" in told({"elected_truth": elected})
    line = told({"elected_truth": elected, "all_seeds_truth": everyone})
    assert line.endswith("all 16 seeds: 20.1 on average, 75% did")


@pytest.mark.server
def test_every_candidate_is_finished_from_where_the_run_left_it(server: "ComfyServer", demo: dict):
    (_, candidates), *_ = nodes_of(demo, "MultiSeedPartialSampler")
    candidates["inputs"]["num_candidates"] = 3
    server.run(demo)
    pictures = finish_all(server, demo, 3, 600)
    truth = edited_example(demo)
    assert truth is not None
    found = measure(truth, pictures)
    assert found["of"] == 3
    assert len({picture.tobytes() for picture in pictures}) == 3
