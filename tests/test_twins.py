"""Nothing is written twice without a reason: six lines of code that stand in two places."""

import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from .test_architecture import tracked_modules
from .test_boundaries import ROOT

SIX = 6
SIGNATURE = "the signature of ComfyUI's Sampler.sample, which each of them is"
SCHEMA = "inputs of two nodes alike in type and range; their words differ"
WORKFLOW = "data of two workflows, each of which is read and changed by itself"
KNOWN = {
    ("bench/tino/blended.py", "nodes/host/elect/taped.py"): SIGNATURE,
    ("bench/tino/blended.py", "nodes/host/tino/optimising.py"): SIGNATURE,
    ("bench/tino/blended.py", "nodes/host/tino/relevance.py"): SIGNATURE,
    ("nodes/host/elect/taped.py", "nodes/host/tino/optimising.py"): SIGNATURE,
    ("nodes/host/elect/taped.py", "nodes/host/tino/relevance.py"): SIGNATURE,
    ("nodes/host/tino/optimising.py", "nodes/host/tino/relevance.py"): SIGNATURE,
    ("bench/tino/between_texts.py", "bench/tino/blended.py"): SIGNATURE,
    ("bench/tino/between_texts.py", "nodes/host/elect/taped.py"): SIGNATURE,
    ("bench/tino/between_texts.py", "nodes/host/tino/optimising.py"): SIGNATURE,
    ("bench/tino/between_texts.py", "nodes/host/tino/relevance.py"): SIGNATURE,
    ("bench/tino/chord_edit.py", "bench/tino/flow_edit.py"): "one signature, between_texts.Edit",
    ("nodes/elect/race_inputs.py", "nodes/tino/inputs.py"): SCHEMA,
    ("nodes/elect/sampling.py", "nodes/elect/vary.py"): SCHEMA,
    ("nodes/elect/score.py",) * 2: "one signature: what is measured, and the ranking of it",
    ("nodes/elect/elect_race.py", "nodes/elect/select.py"): SCHEMA,
    ("nodes/tino/presets.py", "nodes/tino/presets.py"): "numbers of two presets",
    ("harness/workflows/recipes/qwen_kin.py",) * 2: WORKFLOW,
    ("harness/workflows/recipes/video_edit_models.py",) * 2: WORKFLOW,
    ("tino_core/latent_clip.py", "tino_core/latent_vgg.py"): "one signature; what is saved differs",
    ("embedded/training/vae.py",) * 2: "two stages of training with settings of their own",
    ("bench/gpu/scenes.py", "tests/nodes/test_reference_loaders.py"): "SDXL's published widths",
    ("tests/elect_core/test_diffusers.py", "tests/nodes/edit_models/small_models.py"): (
        "the arguments of one pipeline of diffusers, with parts of two sizes"
    ),
}
"""Places that were looked at and stay two, and why."""


def code(path: Path) -> list[tuple[int, str]]:
    """Number and text of the lines that say something; imports do not."""
    lines, importing = [], False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = " ".join(line.split())
        if importing or re.match(r"(from|import) ", text):
            importing = ")" not in text and (importing or "(" in text)
        elif re.search(r"\w", text) and not text.startswith("#"):
            lines.append((number, text))
    return lines


def twins() -> dict[tuple[str, str], tuple[int, int]]:
    """Two files (or one) -> the lines at which the same six lines begin in them."""
    places: dict[tuple[str, ...], list[tuple[str, int, int]]] = defaultdict(list)
    for path in [*tracked_modules(), *ROOT.glob("*.py")]:
        lines = code(path)
        for start in range(len(lines) - SIX + 1):
            run = lines[start : start + SIX]
            name = path.relative_to(ROOT).as_posix()
            places[tuple(text for _, text in run)].append((name, run[0][0], run[-1][0]))
    found = {}
    for same in places.values():
        for one, other in combinations(sorted(same), 2):
            if one[0] != other[0] or other[1] > one[2]:
                found.setdefault((one[0], other[0]), (one[1], other[1]))
    return found


def test_every_twin_has_a_reason():
    new = {pair: lines for pair, lines in twins().items() if pair not in KNOWN}
    assert not new, "merge them, or say in KNOWN why they stay two"


def test_every_reason_is_still_needed():
    assert not KNOWN.keys() - twins().keys()
