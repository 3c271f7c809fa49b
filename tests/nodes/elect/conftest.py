"""What the tests of nodes share: races, and kept candidates, as a user runs them."""

import pytest
import torch

PAPERS = {
    "stop": 0.4,
    "candidates_per_batch": 1,
    "window_start": 0.0,
    "window_end": 0.25,
    "form": "paper",
    "space": "latent",
    "minimum_edit": 0.0,
}
"""The paper's way to elect, one candidate at a time."""
RUNGS = "4@25%, 2@50%, 1@75%"  # of 8 steps: after 2, 4 and 6


@pytest.fixture(scope="module")
def sampler_race(scene, guiders):
    """ELECTSampler's `execute` in inference mode, racing."""
    import comfy.samplers

    from elect_tino.nodes.elect.elect_sampler import ELECTSampler

    kept = {}

    @torch.inference_mode()
    def run(guider="dual", sampler="euler", **given):
        options = {
            "first_seed": 3,
            "num_candidates": 6,
            **PAPERS,
            "race": "custom",
            "rungs": RUNGS,
        }
        guider = guiders[guider] if isinstance(guider, str) else guider
        chosen = kept.setdefault(sampler, comfy.samplers.sampler_object(sampler))
        return ELECTSampler.execute(
            guider, chosen, scene.sigmas, scene.latent, **{**options, **given}
        )

    return run


@pytest.fixture(scope="module")
def race():
    """ELECTRace's `execute` in inference mode."""
    from elect_tino.nodes.elect.elect_race import ELECTRace

    @torch.inference_mode()
    def run(found, **given):
        options = {"race": "custom", "rungs": RUNGS, **PAPERS}
        return ELECTRace.execute(found, **{**options, **given})

    return run


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Save and load as the nodes do, in an output folder of our own."""
    import comfy.samplers
    import folder_paths

    from elect_tino.nodes.elect import saved

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))

    class Kept:
        folder = tmp_path / "elect"

        @staticmethod
        @torch.inference_mode()
        def save(found, name="day", table=""):
            return saved.SaveCandidates.execute(found, name, table)[0]

        @staticmethod
        @torch.inference_mode()
        def load(file, guider, sampler, sigmas, **given):
            if isinstance(sampler, str):
                sampler = comfy.samplers.sampler_object(sampler)
            return saved.LoadCandidates.execute(file, guider, sampler, sigmas, **given)

    return Kept
