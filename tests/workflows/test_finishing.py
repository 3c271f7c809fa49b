"""A winner varied, re-rolled in a region, finished otherwise and clean, through the API."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def test_the_winner_goes_on_in_every_way(server: "ComfyServer", demo: dict):
    anew = {"first_seed": 50, "num_candidates": 2, "candidates_per_batch": 0}
    demo |= {
        "varied": node("VarySeed", candidates=["elected", 0], strength=0.2, **anew),
        "pool": node("PoolCandidates", candidates=["elected", 0], candidates_2=["varied", 0]),
        "mask": node("RelevanceMapAggregate", candidates=["pool", 0], window_start=0.0),
        "again": node("BISSelect", candidates=["pool", 0], mask_from="change", space="latent"),
        "region": node(
            "RerollRegion",
            candidates=["elected", 0],
            mask=["picture", 3],
            restart=0.4,
            stop=0.5,
            feather=8,
            picture=["resumed", 0],
            **anew,
        ),
        "rolled": node("ResumeDenoise", candidates=["region", 0]),
        "finer": node(
            "BasicScheduler", model=["model", 0], scheduler="normal", steps=12, denoise=1.0
        ),
        "heun": node("KSamplerSelect", sampler_name="heun"),
        "otherwise": node(
            "ResumeDenoise",
            candidates=["elected", 0],
            sigmas=["finer", 0],
            sampler=["heun", 0],
            blend_mask=["picture", 3],
        ),
        "seen": node("VAEDecode", samples=["otherwise", 0], vae=["model", 2]),
        "clean": node(
            "FinishClean",
            image=["seen", 0],
            source_image=["picture", 0],
            mask=["picture", 3],
            feather=8,
            match_colours=True,
        ),
        "saved": node("SaveLatent", samples=["rolled", 0], filename_prefix="rolled/x"),
    }
    demo["mask"]["inputs"] |= {"window_end": 0.2, "form": "paper"}
    demo["again"]["inputs"] |= {"minimum_edit": 0.5, "pick": 0, "top_k": 1, "csv_prefix": ""}
    entry = server.run(demo)
    told = {name: out["text"][0] for name, out in entry["outputs"].items() if "text" in out}
    assert told["varied"].startswith("2 candidates stopped after 2 of 5 steps")
    assert told["region"].startswith("2 candidates stopped after")
    assert "other steps and another sampler from the stop" in told["otherwise"]
    assert "blended back" in told["otherwise"]
    assert len(entry["outputs"]["clean"]["images"]) == 2
    assert len(entry["outputs"]["again"]["elect"][0]["scores"]) == 3
