"""The demo with all that may follow an election: one prompt of nearly every ELECT node."""


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


ANEW = {"first_seed": 50, "num_candidates": 2, "candidates_per_batch": 0}
WINDOW = {"window_start": 0.0, "window_end": 0.2, "form": "paper"}
SCORED = {"space": "latent", "minimum_edit": 0.5}
STEPS = {"scheduler": "normal", "steps": 12, "denoise": 1.0}


def every_way(demo: dict) -> dict:
    """The demo's prompt and a winner that is varied, re-rolled, pooled, finished otherwise."""
    elected, mask = {"candidates": ["elected", 0]}, ["picture", 3]
    region = {"restart": 0.4, "stop": 0.5, "feather": 8, "picture": ["resumed", 0]}
    rest = {"sigmas": ["finer", 0], "sampler": ["heun", 0], "blend_mask": mask}
    pasted = {"source_image": ["picture", 0], "mask": mask, "feather": 8, "match_colours": True}
    return demo | {
        "varied": node("VarySeed", **elected, strength=0.2, **ANEW),
        "pool": node("PoolCandidates", **elected, candidates_2=["varied", 0]),
        "mask": node("RelevanceMapAggregate", candidates=["pool", 0], **WINDOW),
        "again": node(
            "BISSelect",
            candidates=["pool", 0],
            mask_from="change",
            **SCORED,
            pick=0,
            top_k=1,
            csv_prefix="",
        ),
        "region": node("RerollRegion", **elected, mask=mask, **region, **ANEW),
        "rolled": node("ResumeDenoise", candidates=["region", 0]),
        "finer": node("BasicScheduler", model=["model", 0], **STEPS),
        "heun": node("KSamplerSelect", sampler_name="heun"),
        "otherwise": node("ResumeDenoise", **elected, **rest),
        "seen": node("VAEDecode", samples=["otherwise", 0], vae=["model", 2]),
        "clean": node("FinishClean", image=["seen", 0], **pasted),
        "saved": node("SaveLatent", samples=["rolled", 0], filename_prefix="rolled/x"),
    }


def everything(demo: dict) -> dict:
    """That, and races, candidates taken on and kept, and the sampler that does all in one."""
    given = demo["candidates"]["inputs"]
    sampled = {one: given[one] for one in ("guider", "sampler", "sigmas", "latent_image")}
    scored = {**WINDOW, **SCORED, "mask_from": "change"}
    paused = {"candidates": ["candidates", 0]}
    at_once = {"first_seed": 7, "num_candidates": 2, "stop": 0.4, "candidates_per_batch": 0}
    return every_way(demo) | {
        "further": node("AdvanceCandidates", **paused, stop=0.6, candidates_per_batch=1),
        "kept": node("SaveCandidates", candidates=["further", 0], name="fuzz/x"),
        "raced": node(
            "ELECTRace", **paused, race="halving", stop=0.6, candidates_per_batch=0, **scored
        ),
        "whole": node("ELECTSampler", **sampled, **at_once, **scored),
        "ends": node("SaveLatent", samples=["whole", 0], filename_prefix="rolled/y"),
    }
