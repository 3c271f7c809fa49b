"""What an election bought, against the known truth of the example that a workflow edits."""

from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from ..embedded.world.examples import index, known_name, truth_of
from ..embedded.world.samples import Sample
from ..embedded.world.success import Judge, background_error
from .pictures.cells import Cell, drawn
from .pictures.contact_sheet import PAPER
from .server.client import ComfyClient
from .workflows.summary import SAVE_NODE, SCORE_NODE, nodes_of

TILE = 384
"""Pixels of a small tile's side: three for each of the picture's."""


@dataclass(frozen=True)
class Bought:
    """background_error: MSE x1e4 outside the true mask; succeeded: share in [0, 1], of `of`."""

    background_error: float
    succeeded: float
    of: int


def edited_example(prompt: dict) -> Sample | None:
    """The truth of the example that the workflow edits; None where it edits something else."""
    for _, node in nodes_of(prompt, "EmbeddedExample"):
        return truth_of(known_name(node["inputs"].get("example", next(iter(index())))))
    return None


def _array(picture: Image.Image) -> np.ndarray:
    """(H, W, 3) in [0, 1]."""
    return np.asarray(picture, dtype=np.float32) / 255


def measure(truth: Sample, pictures: list[Image.Image]) -> dict:
    """Means over the pictures, as `Bought`."""
    judge, arrays = Judge(truth), [_array(picture) for picture in pictures]
    return asdict(
        Bought(
            float(np.mean([background_error(truth, array) for array in arrays])),
            float(np.mean([judge.succeeded(array) for array in arrays])),
            len(arrays),
        )
    )


def finish_all(client: ComfyClient, prompt: dict, num_candidates: int, timeout: float) -> list:
    """Pictures of all candidates, finished from where the run left them."""
    (key, choice), *_ = nodes_of(prompt, SCORE_NODE)
    everyone = {**choice, "inputs": {**choice["inputs"], "top_k": num_candidates}}
    entry = client.wait(client.submit({**prompt, key: everyone}), timeout)
    (saved,) = (
        entry["outputs"][save]["images"]
        for save, node in nodes_of(prompt, SAVE_NODE)
        if len(entry["outputs"].get(save, {}).get("images", [])) == num_candidates
    )
    return [client.picture(file).convert("RGB") for file in saved]


def draw_proof(
    truth: Sample, election: dict, finished: list[Image.Image], relevance: Image.Image
) -> Image.Image:
    """Source, one seed, the elected one, the relevance map; below them all, from best to worst.

    election: as BISSelect shows it; finished: pictures of the candidates by rank
    """
    seeds, order = election["seeds"], election["order"]
    first = order.index(0)
    source = Image.fromarray((truth.source * 255).round().astype(np.uint8))
    errors = [background_error(truth, _array(one)) for one in finished]
    large = [
        Cell(source, f"source: {truth.instruction}"),
        Cell(finished[first], f"seed {seeds[0]}: background error {errors[first]:.1f}"),
        Cell(finished[0], f"elected of {len(order)}: background error {errors[0]:.1f}", True),
        Cell(relevance, "where the edit happens"),
    ]
    small = [
        Cell(picture, f"seed {seeds[index]}: {error:.1f}", rank == 0)
        for rank, (index, picture, error) in enumerate(zip(order, finished, errors, strict=True))
    ]
    rows = [(large, 2 * TILE), *((small[k : k + 8], TILE) for k in range(0, len(small), 8))]
    made = Image.new("RGB", (8 * TILE, sum(side for _, side in rows)), PAPER)
    top = 0
    for cells, side in rows:
        for place, cell in enumerate(cells):
            made.paste(drawn(cell, side, 32), (place * side, top))
        top += side
    return made


def told(summary: dict) -> str:
    """The measured truth in one line, or nothing where it is not known."""
    elected, everyone = summary.get("elected_truth"), summary.get("all_seeds_truth")
    if elected is None:
        return ""
    did = "did what was asked" if elected["succeeded"] else "did not do what was asked"
    line = f"against the truth: background error {elected['background_error']:.1f}, and it {did}; "
    if everyone is None:
        return line + "--proof finishes the other seeds too and compares"
    return line + (
        f"all {everyone['of']} seeds: {everyone['background_error']:.1f} on average, "
        f"{everyone['succeeded']:.0%} did"
    )
