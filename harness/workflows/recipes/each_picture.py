"""The workflow for many pictures: a list of them, and one election for each."""

from __future__ import annotations

from .parts import (
    DOWNLOAD,
    ELECT,
    FINISH,
    GUIDE,
    PIX2PIX_CFG,
    TRY,
    Recipe,
    checkpoint_source,
    guidance,
    node,
    saved,
    schedule,
    sections,
    stages,
)


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
