"""Finish Clean and Re-roll the Region on the embedded model: pictures without a seam."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def clean(mask: tuple, feather: int, match_colours: bool) -> dict:
    wires = {"image": ["decoded", 0], "source_image": ["picture", 0], "mask": list(mask)}
    return node("FinishClean", **wires, feather=feather, match_colours=match_colours)


def pictures(server: "ComfyServer", demo: dict, shown: dict[str, list]) -> dict[str, np.ndarray]:
    """Run a prompt; its images (H, W, 3) by name, in [0, 1]."""
    for name, wire in shown.items():
        demo[f"show {name}"] = node("SaveImage", images=wire, filename_prefix=f"seams/{name}")
    outputs = server.run(demo)["outputs"]
    found = {name: server.picture(outputs[f"show {name}"]["images"][0]) for name in shown}
    return {name: np.asarray(one.convert("RGB")) / 255 for name, one in found.items()}


@pytest.fixture(scope="module")
def seen(comfy_server: "ComfyServer", object_info: dict) -> dict[str, np.ndarray]:
    """The demo's edit finished clean with hard and soft edges, by a map, and with a region anew."""
    from elect_tino.harness.workflows.recipes.elect import embedded_demo

    from .conftest import by_name

    demo = by_name(embedded_demo(), object_info)
    grow = {"mask": ["picture", 3], "expand": 10, "tapered_corners": False}
    region = {"mask": ["grown", 0], "picture": ["resumed", 0], "restart": 0.2, "stop": 0.5}
    anew = {"feather": 8, "first_seed": 50, "num_candidates": 1, "candidates_per_batch": 1}
    demo |= {
        "grown": node("GrowMask", **grow),
        "drawn": node("MaskToImage", mask=["grown", 0]),
        "truth": node("MaskToImage", mask=["picture", 3]),
        "hard": clean(("grown", 0), 0, False),
        "soft": clean(("grown", 0), 16, True),
        "exact": clean(("picture", 3), 16, False),
        "by_map": clean(("relevance", 0), 16, False),
        "region": node("RerollRegion", candidates=["elected", 0], **region, **anew),
        "rolled": node("ResumeDenoise", candidates=["region", 0]),
        "anew": node("VAEDecode", samples=["rolled", 0], vae=["model", 2]),
    }
    names = ("drawn", "truth", "hard", "soft", "exact", "by_map", "anew")
    shown = {name: [name, 0] for name in names}
    shown |= {"source": ["picture", 0], "plain": ["decoded", 0]}
    return pictures(comfy_server, demo, shown)


def new_edges(picture: np.ndarray, others: list[np.ndarray], mask: np.ndarray) -> float:
    """Gradients at a mask's edge that none of the other pictures has there, on average, of 255."""
    total: list[np.ndarray] = []
    for axis in (0, 1):
        at = np.abs(np.diff(mask[..., 0], axis=axis)) > 0.5
        own, *known = (np.abs(np.diff(one, axis=axis)).mean(-1) for one in (picture, *others))
        total.append(np.maximum(own - np.maximum.reduce(known), 0)[at])
    return float(np.concatenate(total).mean() * 255)


def test_a_soft_edge_leaves_no_seam_where_a_hard_one_does(seen):
    others = [seen["source"], seen["plain"]]
    hard, soft = (new_edges(seen[name], others, seen["drawn"]) for name in ("hard", "soft"))
    assert hard > 1
    assert soft < 0.1 * hard


@pytest.mark.parametrize(("name", "kept"), [("exact", 0.99), ("by_map", 0.8)])
def test_what_was_there_does_not_shine_through_the_edit(name: str, kept: float, seen):
    inside = seen["truth"][..., 0] > 0.5
    made = np.abs(seen["plain"] - seen["source"])[inside].mean()
    lost = np.abs(seen["plain"] - seen[name])[inside].mean()
    assert made > 0.05
    assert lost < (1 - kept) * made + 1 / 255


def test_a_region_rolled_anew_leaves_the_rest_and_shows_no_seam(seen):
    away = seen["drawn"][..., 0] < 0.02
    near = seen["drawn"][..., 0] > 0.5
    change = np.abs(seen["anew"] - seen["plain"])
    assert change[near].mean() > 4 * change[away].mean()
    assert change[away].mean() < 1 / 255
    others = [seen["source"], seen["plain"]]
    rolled = new_edges(seen["anew"], others, seen["drawn"])
    assert rolled < 0.5 * new_edges(seen["hard"], others, seen["drawn"])
