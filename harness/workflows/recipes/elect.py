"""The example workflows of ELECT as data: their nodes, their frames, and their notes.

`author` lays them out and writes them; this file is the one to edit.
"""

from .parts import (
    DOWNLOAD,
    ELECT,
    EMBEDDED_CFG,
    FINISH,
    GUIDE,
    PHOTO,
    PICTURE,
    PIX2PIX_CFG,
    RUN,
    TRY,
    VAE,
    Recipe,
    checkpoint_source,
    elected,
    embedded_source,
    finish,
    guidance,
    node,
    saved,
    schedule,
    sections,
    stages,
)


def embedded_demo() -> Recipe:
    name = "elect_embedded_demo"
    nodes = {
        **embedded_source(),
        **guidance(("picture", 1), EMBEDDED_CFG),
        **schedule("euler", 20, "simple"),
        **stages(16),
        **saved("elect_demo"),
    }
    return Recipe(name, nodes, sections(name, PICTURE, GUIDE, TRY, ELECT, FINISH))


def best_of_n() -> Recipe:
    name = "best_of_n_by_bis"
    nodes = {
        **embedded_source(),
        **guidance(("picture", 1), EMBEDDED_CFG),
        **schedule("euler", 20, "simple"),
        **stages(16, stop=1.0),
        **saved("best_of_n"),
    }
    frames = (PICTURE, GUIDE, ("Finish every seed", TRY[1]), ELECT, FINISH)
    return Recipe(name, nodes, sections(name, *frames))


def step_by_step() -> Recipe:
    name = "instruct_pix2pix_step_by_step"
    nodes = {
        **checkpoint_source(),
        **guidance("make the dress red", PIX2PIX_CFG),
        **schedule("euler_ancestral", 50),
        **stages(8),
        **saved("elect"),
    }
    frames = (PHOTO, GUIDE, TRY, ELECT, FINISH)
    return Recipe(name, nodes, sections(name, *frames), DOWNLOAD)


def all_in_one() -> Recipe:
    name = "instruct_pix2pix_all_in_one"
    sampler = node("ELECTSampler", num_candidates=8, **RUN, vae=VAE)
    nodes = {
        **checkpoint_source(),
        **guidance("make the dress red", PIX2PIX_CFG),
        **schedule("euler_ancestral", 50),
        "elected": sampler,
        "decoded": node("VAEDecode", samples=("elected", 0), vae=VAE),
        **saved("elect", overlay=False),
    }
    frames = (
        PHOTO,
        GUIDE,
        ("Try, elect and finish in one node", ("sampler", "sigmas", "elected")),
        ("Save", ("decoded", "edited")),
    )
    return Recipe(name, nodes, sections(name, *frames), DOWNLOAD)


def own_mask() -> Recipe:
    name = "elect_own_mask"
    nodes = {
        **embedded_source(),
        **guidance(("picture", 1), EMBEDDED_CFG),
        **schedule("euler", 20, "simple"),
        "candidates": node("MultiSeedPartialSampler", num_candidates=16, **RUN),
        "estimates": node("TweedieEstimate", candidates=("candidates", 0)),
        "elected": elected(mask=("picture", 3), vae=VAE),
        **finish(),
        **saved("elect_own_mask", overlay=False),
    }
    frames = (
        ("Model, picture and mask", PICTURE[1]),
        GUIDE,
        TRY,
        ("Elect by your own mask", ("estimates", "elected")),
        ("Finish that one", ("resumed", "decoded", "edited")),
    )
    larger = {"elected": (420.0, 1060.0)}
    return Recipe(name, nodes, sections(name, *frames), sizes=larger)


def each_picture() -> Recipe:
    name = "elect_each_picture"
    source = checkpoint_source()
    scaled = source.pop("picture")
    scaled["inputs"]["image"] = ("each", 0)
    nodes = {
        **source,
        "second": node("LoadImage", "Another picture", image="example.png"),
        "together": node("ImageBatch", image1=("photo", 0), image2=("second", 0)),
        "each": node("RebatchImages", "One after the other", images=("together", 0), batch_size=1),
        "picture": scaled,
        **guidance("make the dress red", PIX2PIX_CFG),
        **schedule("euler_ancestral", 50),
        **stages(8),
        **saved("elect_each"),
    }
    loading = ("model", "photo", "second", "together", "each", "picture")
    frames = (("Model and pictures", loading), GUIDE, TRY, ELECT, FINISH)
    return Recipe(name, nodes, sections(name, *frames), DOWNLOAD)


RECIPES = (embedded_demo, step_by_step, all_in_one, best_of_n, own_mask, each_picture)
