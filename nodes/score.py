"""BISSelect: score the change of the background, rank the candidates, elect the best."""

from __future__ import annotations

import csv
import io as text_io
import os
from dataclasses import asdict, dataclass

import folder_paths
import torch
from comfy_api.latest import io, ui
from torch import Tensor

from ..elect_core.schedule import best_of_n_nfe, elect_nfe
from ..elect_core.score import background_inconsistency, change_inside
from ..elect_core.selection import Ranking, rank
from .candidates import MAX_CANDIDATES, MAX_SEED
from .contact_sheet import labelled, latent_thumbnails
from .host.conditions import source_latent
from .host.latents import check_mask, crop_like_host, mask_like, match_source
from .relevance import image_size
from .types import CATEGORY, Candidates, ElectCandidates

SPACES = ("latent", "pixel")


@dataclass(frozen=True)
class Scored:
    """Scores of all candidates and what they say."""

    scores: Tensor
    edits: Tensor
    ranking: Ranking
    warnings: tuple[str, ...]
    images: Tensor | None


@dataclass(frozen=True)
class Row:
    """One line of the score table, best candidate first."""

    rank: int
    candidate: int
    seed: int
    bis: float
    change_inside: float
    eligible: bool


def find_source(candidates: Candidates, estimates: Tensor, source, source_image, vae) -> Tensor:
    """The source's latent (1, C, h, w), LATENT scale: given, encoded or from the conditioning."""
    if source is not None:
        return match_source(source["samples"], estimates, "source")
    if source_image is not None:
        if vae is None:
            raise ValueError("vae: source_image needs a VAE to be encoded with; connect one.")
        height, width = image_size(candidates, source_image)
        cropped = crop_like_host(source_image, height, width, "source_image")
        return match_source(vae.encode(cropped[..., :3]), estimates, "source_image")
    run = candidates.run
    found = source_latent(run.guider.original_conds, run.latent["samples"])
    if found is None:
        raise ValueError(
            "source: the candidates' conditioning holds no source latent. Connect the encoded "
            "source picture to source, or source_image with vae."
        )
    return match_source(found, estimates, "source (found in the conditioning)")


def _decode(vae, latent: Tensor) -> Tensor:
    """IMAGE (N, H, W, 3) of a latent batch; frames of a video follow each other."""
    images = vae.decode(latent)
    return images.reshape(-1, *images.shape[-3:]) if images.ndim == 5 else images


def _pixels(images: Tensor, num_candidates: int) -> Tensor:
    """IMAGE (N * T, H, W, 3) as a tensor the kernels take: (N, 3, [T,] H, W)."""
    pixels = images.movedim(-1, 1)
    if len(pixels) == num_candidates:
        return pixels
    return pixels.unflatten(0, (num_candidates, -1)).movedim(1, 2)


def score(
    candidates: Candidates,
    estimates: Tensor,
    mask: Tensor,
    source: Tensor,
    space: str,
    vae,
    minimum_edit: float,
) -> Scored:
    """BIS and the change inside the mask for every candidate, ranked.

    estimates (N, C, h, w), source (1, C, h, w): LATENT scale; mask (B, H, W): 1 = edited
    """
    images = _decode(vae, estimates) if vae is not None else None
    if space == "pixel":
        if images is None:
            raise ValueError("vae: scoring in pixel space needs a VAE; connect one.")
        a, b = _pixels(_decode(vae, source), 1), _pixels(images, len(estimates))
    else:
        scale = candidates.run.model.model.process_latent_in
        a, b = scale(source), scale(estimates)
    weight = mask_like(mask, b).to(b.device)
    scores = background_inconsistency(a, b, weight)
    edits = change_inside(a, b, weight)
    ranking = rank(scores, edits, minimum_edit)
    return Scored(scores, edits, ranking, _warnings(scores, weight, ranking), images)


def _warnings(scores: Tensor, weight: Tensor, ranking: Ranking) -> tuple[str, ...]:
    found = []
    bad = int((~scores.isfinite()).sum())
    if bad:
        found.append(f"{bad} candidates are NaN and were left out.")
    if not bool(weight.any()):
        found.append("The mask is empty: the whole picture counted as background.")
    elif float(weight.mean()) > 0.9:
        found.append("The mask covers almost the whole picture: there is little background.")
    if len(scores) > 1 and ranking.spread < 0.02:
        found.append("The seeds barely differ (spread under 2 %): the choice hardly matters.")
    return tuple(found)


def rows(candidates: Candidates, scored: Scored) -> list[Row]:
    """The score table, best candidate first; candidates are counted from 1."""
    return [
        Row(
            rank=place + 1,
            candidate=index + 1,
            seed=candidates.seeds[index],
            bis=float(scored.scores[index]),
            change_inside=float(scored.edits[index]),
            eligible=place < scored.ranking.num_eligible,
        )
        for place, index in enumerate(scored.ranking.order)
    ]


def as_table(table: list[Row], scored: Scored) -> str:
    """The score table as text, warnings below it."""
    lines = ["rank  candidate  seed                  BIS       change inside"]
    for row in table:
        note = "" if row.eligible else "  not electable"
        lines.append(
            f"{row.rank:<4}  {row.candidate:<9}  {row.seed:<20}  {row.bis:<8.5f}  "
            f"{row.change_inside:<8.5f}{note}"
        )
    ranking = scored.ranking
    lines.append(f"spread {ranking.spread:.1%} of the mean, confidence {ranking.confidence:.2f}")
    return "\n".join([*lines, *scored.warnings])


def write_csv(table: list[Row], prefix: str) -> str:
    """Write the table below ComfyUI's output folder and return its path; whole or not at all."""
    folder, name, counter, _, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory()
    )
    path = os.path.join(folder, f"{name}_{counter:05}_.csv")
    text = text_io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(asdict(table[0])))
    writer.writeheader()
    writer.writerows(asdict(row) for row in table)
    with open(path + ".part", "w", newline="", encoding="utf-8") as file:
        file.write(text.getvalue())
    os.replace(path + ".part", path)
    return path


def facts(candidates: Candidates, scored: Scored, picked: int) -> dict:
    """What a front end or a script wants to know of an election, as plain values."""
    run = candidates.run
    n, k = len(candidates.seeds), run.num_steps
    return {
        "seeds": list(candidates.seeds),
        "scores": scored.scores.tolist(),
        "change_inside": scored.edits.tolist(),
        "order": list(scored.ranking.order),
        "elected": picked,
        "elected_seed": candidates.seeds[picked],
        "num_steps": k,
        "stop_step": candidates.stop_step,
        "stop_sigma": candidates.stop_sigma,
        "nfe": elect_nfe(n, candidates.stop_step, k),
        "nfe_best_of_n": best_of_n_nfe(n, k),
        "nfe_spent": candidates.cost.nfe,
        "model_evaluations": candidates.cost.model_evaluations,
        "spread": scored.ranking.spread,
        "confidence": scored.ranking.confidence,
        "warnings": list(scored.warnings),
        "tape_bytes": candidates.tape.nbytes,
    }


def choose(ranking: Ranking, pick: int, num_candidates: int) -> int:
    """Index of the candidate to go on with: the elected one (pick 0) or the one picked."""
    if not 0 <= pick <= num_candidates:
        raise ValueError(
            f"pick: expected 0 for automatic or a candidate from 1 to {num_candidates}, got {pick}."
        )
    return ranking.elected if pick == 0 else pick - 1


class BISSelect(io.ComfyNode):
    """Elects the candidate whose background changed least, and shows how all of them scored."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="BISSelect",
            display_name="BIS Select (ELECT)",
            category=CATEGORY,
            description="Scores how much each candidate changes the background (BIS, lower is "
            "better) and puts the best one first. Changing pick runs no candidate again.",
            is_output_node=True,
            inputs=[
                ElectCandidates.Input("candidates"),
                io.Latent.Input(
                    "estimates",
                    optional=True,
                    tooltip="From TweedieEstimate; the candidates' last step where left out.",
                ),
                io.Mask.Input(
                    "relevance",
                    optional=True,
                    tooltip="From RelevanceMapAggregate: 1 = edited, 0 = background.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Your own mask of what may be edited (1 = edited); used in place of "
                    "relevance.",
                ),
                io.Latent.Input(
                    "source",
                    optional=True,
                    tooltip="Latent of the source picture; found in the conditioning if left out.",
                ),
                io.Image.Input(
                    "source_image", optional=True, tooltip="The source picture, encoded with vae."
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="For pixel space, for source_image, and for sharp thumbnails.",
                ),
                *selection_inputs(),
                io.Int.Input(
                    "pick",
                    default=0,
                    min=0,
                    max=MAX_CANDIDATES,
                    tooltip="0 takes the best; any other number takes that candidate.",
                ),
                io.Int.Input(
                    "top_k",
                    default=1,
                    min=1,
                    max=MAX_CANDIDATES,
                    tooltip="How many candidates to pass on, the picked one first, then by rank.",
                ),
                io.String.Input(
                    "csv_prefix",
                    default="elect/scores",
                    tooltip="Where the score table is saved below the output folder; empty saves "
                    "none.",
                ),
            ],
            outputs=[
                ElectCandidates.Output(display_name="elected"),
                io.Int.Output(display_name="seed"),
                io.String.Output(display_name="table"),
                io.Latent.Output(display_name="ranked estimates"),
            ],
        )

    @classmethod
    def execute(
        cls,
        candidates: Candidates,
        space,
        minimum_edit,
        pick,
        top_k,
        csv_prefix,
        estimates=None,
        relevance=None,
        mask=None,
        source=None,
        source_image=None,
        vae=None,
    ) -> io.NodeOutput:
        latents = estimate_batch(candidates, estimates)
        where = background_mask(candidates, relevance, mask, source_image)
        origin = find_source(candidates, latents, source, source_image, vae)
        scored = score(candidates, latents, where, origin, space, vae, minimum_edit)
        picked = choose(scored.ranking, pick, len(candidates.seeds))
        order = [picked, *(i for i in scored.ranking.order if i != picked)]
        table = rows(candidates, scored)
        text = as_table(table, scored)
        shown = {"elect": [facts(candidates, scored, picked)], "text": [text]}
        shown |= thumbnails(cls, candidates, latents, scored, table)
        if csv_prefix:
            shown["csv"] = [write_csv(table, csv_prefix)]
        return io.NodeOutput(
            candidates.rows(order[:top_k]),
            candidates.seeds[picked],
            text,
            {"samples": latents[torch.tensor(scored.ranking.order)]},
            ui=shown,
        )


def estimate_batch(candidates: Candidates, estimates: dict | None) -> Tensor:
    """The estimates to score, (N, C, h, w) in LATENT scale, one for each candidate."""
    if estimates is None:
        return candidates.estimates()
    samples = estimates["samples"]
    expected = (len(candidates.seeds), *candidates.run.latent["samples"].shape[1:])
    if tuple(samples.shape) != expected:
        raise ValueError(
            f"estimates: expected one for each candidate, {expected}, got {tuple(samples.shape)}. "
            "Connect TweedieEstimate of the same candidates."
        )
    return samples


def background_mask(candidates: Candidates, relevance, mask, image) -> Tensor:
    """MASK (B, H, W) of the edited region: the user's own before the relevance map."""
    if mask is not None:
        return check_mask(mask, *image_size(candidates, image))
    if relevance is None:
        raise ValueError(
            "relevance: nothing says where the edit is. Connect RelevanceMapAggregate to "
            "relevance, or your own mask to mask."
        )
    return relevance


def thumbnails(cls, candidates: Candidates, latents: Tensor, scored: Scored, table) -> dict:
    """Labelled pictures of the estimates, best first, as ComfyUI's `ui` wants them."""
    images = scored.images
    if images is None:
        images = latent_thumbnails(candidates.run.model, latents)
    if images is None:
        return {}
    frames = len(images) // len(latents)
    labels = [f"#{row.rank}  seed {row.seed}\nBIS {row.bis:.5f}" for row in table]
    pictures = [
        labelled(images[row.candidate * frames - frames], label)
        for row, label in zip(table, labels, strict=True)
    ]
    return ui.PreviewImage(torch.stack(pictures), cls=cls).as_dict()


def selection_inputs() -> list[io.Input]:
    """The inputs that say how candidates are scored; shared with ELECTSampler."""
    return [
        io.Combo.Input(
            "space",
            options=list(SPACES),
            default="latent",
            tooltip="Compare latents (no VAE, fast) or decoded pictures (needs vae).",
        ),
        io.Float.Input(
            "minimum_edit",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="Do not elect a candidate whose change inside the mask is below this share "
            "of the median candidate's: a guard against electing a picture left unedited.",
        ),
    ]


assert MAX_SEED >= 0xFFFFFFFFFFFFFFFF  # any elected seed fits an ordinary KSampler

NODES: list[type[io.ComfyNode]] = [BISSelect]
