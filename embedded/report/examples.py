"""Chooses the example edits that ship: python -m elect_tino.embedded.report.examples.

By a rule, on the validation split: of the first edits on pictures of two objects or more, for every
role of `world.examples.ROLES` the one whose seeds differ most in background error. So an example
shows what an election is for; who wins it, and whether it succeeds, is not looked at.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from ..train import use_cpu
from ..world.examples import ROLES, SPLIT, role_of, write_examples
from ..world.samples import Sample, sample
from ..world.success import background_error

NUM_EDITS, NUM_SEEDS, VARIANT, GUIDANCE = 40, 16, "flow_mild", (2.0, 1.5)


def spread(editor, vae, edit: Sample, num_seeds: int = NUM_SEEDS) -> float:
    """Interquartile range of the background errors of an edit's seeds, MSE x1e4."""
    from .editing import run_edits

    with torch.inference_mode():
        pictures = run_edits(editor, vae, [edit] * num_seeds, GUIDANCE)
    errors = [background_error(edit, picture) for picture in pictures]
    return float(np.subtract(*np.percentile(errors, [75, 25])))


def chosen(num_edits: int) -> list[int]:
    """Numbers of the split, by role."""
    from ..model.comfyui import load_embedded
    from .editing import editor_of

    model, clip, vae = load_embedded(variant=VARIANT)
    editor = editor_of(model, clip)
    best: dict[tuple[str, bool], tuple[float, int]] = {}
    for number in range(num_edits):
        edit = sample(SPLIT, number)
        role = role_of(edit)
        if role in ROLES:
            found = (spread(editor, vae, edit), number)
            best[role] = max(best.get(role, found), found)
            print(f"{number}: {role}, {found[0]:.1f}, {edit.instruction}", flush=True)
    return [best[role][1] for role in ROLES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=NUM_EDITS, help="of the split to choose from")
    arguments = parser.parse_args()
    use_cpu()
    write_examples(chosen(arguments.edits))


if __name__ == "__main__":
    main()
