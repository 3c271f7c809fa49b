"""Prompts of the nodes that `every_way.py` leaves out: of TiNO-Edit, and of judging and editing
models as far as they run without a file.
"""

from .every_way import node

NOBODY = "http://127.0.0.1:9/v1"
"""An address where nobody answers."""


def tino_ways(tino: dict) -> dict:
    """TiNO-Edit by text with a preset, a reward, masks of two kinds, and the result edited again.

    tino: the prompt of the template by text, its nodes by name
    """
    given = tino["tino"]["inputs"]
    model, vae = given["model"], [given["model"][0], 2]
    picture, mask = given["mask"], ["found", 0]
    again = {
        "source": ["tino", 0],
        "mask": mask,
        "reference": given["source"],
        "sigmas": ["finer", 0],
    }
    return tino | {
        "preset": node("TiNOPreset", kind="reference", way="updates"),
        "reward": node("TiNOReward", look="warmth", weight=0.5, model=model, vae=vae),
        "found": node(
            "TiNOMask",
            mode="difference",
            image=["picture", 0],
            image2=["decoded", 0],
            threshold=0.5,
        ),
        "joined": node("TiNOMask", mode="user", image=["picture", 0], mask=picture, soft_edge=3),
        "finer": node("BasicScheduler", model=model, scheduler="normal", steps=3, denoise=0.7),
        "second": node(
            "TiNOOptimize", **given | again, defaults=["preset", 0], reward=["reward", 0]
        ),
        "seen": node("VAEDecode", samples=["second", 0], vae=vae),
        "saved": node("PreviewImage", images=["seen", 0]),
        "masked": node("MaskPreview", mask=["joined", 0]),
    }


def beside_ways(demo: dict) -> dict:
    """The demo's picture judged, reworded, kept or tried again, sized, and laid on its source.

    demo: the prompt of the demo, its nodes by name
    """
    source, edited, clip = ["picture", 0], ["decoded", 0], ["model", 1]
    return demo | {
        "vlm": node(
            "VLMEndpoint",
            base_url=NOBODY,
            model="",
            timeout=1.0,
            retries=0,
            max_megapixels=0.1,
            max_tokens=16,
            key_variable="",
            allow_public=False,
        ),
        "judge": node(
            "EditJudge",
            source=source,
            edited=edited,
            instruction=["picture", 1],
            rubric="paper",
            both_orders=False,
            break_ties=True,
            good_from=0.5,
            on_failure="unjudged",
            free_after=False,
            vlm=["vlm", 0],
        ),
        "variants": node(
            "InstructionVariants",
            instruction=["picture", 1],
            own_variants="make it red\nmake it blue",
            num_from_model=0,
            clip=clip,
            complaint=["judge", 2],
        ),
        "kept_or": node("KeepOrRetry", result=edited, good=["judge", 1], retry=["laid", 0]),
        "size": node("EditSize", image=source, family="auto", megapixels=0.0, model=["model", 0]),
        "defaults": node(
            "EditModelDefaults",
            model=["model", 0],
            family="auto",
            steps=0,
            sampler_name="default",
            scheduler="default",
        ),
        "laid": node("LayOnSource", image=edited, source_image=source, fill="source"),
        "seen": node("PreviewImage", images=["kept_or", 0]),
        "sized": node("PreviewImage", images=["size", 0]),
        "told": node("PreviewAny", source=["defaults", 7]),
        "worded": node("PreviewAny", source=["variants", 1]),
    }
