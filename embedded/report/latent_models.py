"""Measures teachers and students on unseen edits and writes docs/embedded_latent_models.md.

python -m elect_tino.embedded.report.latent_models
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from ...tino_core.latent_clip import load_latent_clip
from ...tino_core.latent_vgg import load_latent_vgg
from ..data.pixels import to_floats
from ..data.teacher_pictures import Pictures, render_pairs
from ..model.observers import load_observer, load_teacher_clip, load_teacher_text
from ..model.shipped import WEIGHTS, shipped_latents
from ..model.vae import load_shipped_vae
from ..training.observer import known_again
from ..training.vgg import named_rightly, vgg_pixels
from ..world.edits import caption
from ..world.rivals import SORTS
from ..world.samples import sample
from .ranking import ranking

PAGE = Path(__file__).resolve().parents[2] / "docs" / "embedded_latent_models.md"
TEMPLATE = Path(__file__).with_name("latent_models_page.md")
FILES = (
    "teacher_clip", "text_projection", "teacher_vgg", "observer", "latent_clip", "latent_vgg",
)  # fmt: skip


def in_parts(function, rows: Tensor) -> Tensor:
    """The function of a few rows at a time."""
    return torch.cat([function(part) for part in rows.split(50)])


def to_latents(pictures: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) as latents in the model's own scale."""
    vae, latent = load_shipped_vae(), shipped_latents("unet.safetensors")
    mean, std = (torch.tensor(latent[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    return (in_parts(vae.encode, pictures) - mean) / std


def captions_of(split: str, first: int, count: int) -> list[tuple[str, str]]:
    """Captions of source and target of the same edits that `render_pairs` draws."""
    edits = [sample(split, index) for index in range(first, first + count)]
    return [(caption(e.scene), caption(e.edit.apply(e.scene))) for e in edits]


def retrieval(image: Tensor, text: Tensor, captions: list[str]) -> dict[str, float]:
    """Shares of pictures (2 P) that find their caption: among all, and of source and target."""
    similar = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    found = [captions[i] == c for i, c in zip(similar.argmax(1).tolist(), captions, strict=True)]
    own = torch.stack([similar[i, i - i % 2 : i - i % 2 + 2] for i in range(len(image))])
    right = own.argmax(1) == torch.arange(len(image)) % 2
    differ = [captions[i - i % 2] != captions[i - i % 2 + 1] for i in range(len(image))]
    return {
        "retrieval": sum(found) / len(found),
        "source_or_target": right[torch.tensor(differ)].float().mean().item(),
    }


def with_caption(image: Tensor, text: Tensor, captions: list[str]) -> float:
    """Share of edits whose picture moves the way its caption changes: positive inner product."""
    image, text = (F.normalize(x, dim=-1).unflatten(0, (-1, 2)) for x in (image, text))
    moved = ((image[:, 1] - image[:, 0]) * (text[:, 1] - text[:, 0])).sum(-1)
    differ = torch.tensor([a != b for a, b in zip(captions[::2], captions[1::2], strict=True)])
    return (moved[differ] > 0).float().mean().item()


@torch.no_grad()
def measure(split: str, first: int, count: int) -> dict[str, float]:
    """Everything the page says, on so many edits of a split."""
    flat: Pictures = render_pairs(split, first, count).flat()
    captions = [text for both in captions_of(split, first, count) for text in both]
    pictures = to_floats(flat.pictures)
    latents = to_latents(pictures)
    text = load_teacher_text()(captions)
    taught = in_parts(load_teacher_clip(), pictures)
    learned = in_parts(load_latent_clip(WEIGHTS / "latent_clip.safetensors"), latents)
    vgg = load_latent_vgg(WEIGHTS / "teacher_vgg.safetensors")
    vgg_taught = in_parts(lambda part: vgg(vgg_pixels(part)), pictures)
    vgg_learned = in_parts(load_latent_vgg(WEIGHTS / "latent_vgg.safetensors"), latents)
    observer = load_observer()
    seen = in_parts(observer, pictures).unflatten(0, (-1, 2))
    # Two edits on, so that nothing is compared with its own edit.
    other = 2
    return {
        **{f"teacher_{k}": v for k, v in retrieval(taught, text, captions).items()},
        **{f"student_{k}": v for k, v in retrieval(learned, text, captions).items()},
        "teacher_moves": with_caption(taught, text, captions),
        "student_moves": with_caption(learned, text, captions),
        "cosine": F.cosine_similarity(learned, taught).mean().item(),
        "cosine_shuffled": F.cosine_similarity(learned, taught.roll(other, 0)).mean().item(),
        "l1": (vgg_learned - vgg_taught).abs().mean().item(),
        "l1_edit": (vgg_taught[::2] - vgg_taught[1::2]).abs().mean().item(),
        "l1_random": (vgg_taught - vgg_taught.roll(other, 0)).abs().mean().item(),
        **named_rightly(vgg, flat),
        "known_again": known_again(lambda p: in_parts(observer, p), pictures),
        "observer_edit": F.cosine_similarity(seen[:, 0], seen[:, 1]).mean().item(),
        "observer_random": F.cosine_similarity(seen[:, 0], seen[:, 1].roll(1, 0)).mean().item(),
    }


def table_of_ranking(count: int) -> str:
    """Teacher and student, by kind of edit; % of wrong pictures that the truth beats."""
    student = load_latent_clip(WEIGHTS / "latent_clip.safetensors")
    critics = {
        "teacher (pixels)": load_teacher_clip(),
        "LatentCLIP (latents)": lambda pictures: student(to_latents(pictures)),
    }
    lines = [["critic", "edit", *SORTS], ["---"] * (2 + len(SORTS))]
    lines += ranking(critics, "val", count)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table_of_files() -> str:
    rows = []
    for name in FILES:
        path = WEIGHTS / f"{name}.safetensors"
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        size = path.stat().st_size / 1e6
        rows.append(
            f"| `{path.name}` | {size:.1f} MB | {metadata['title']} | {metadata['trained']} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=200, help="of the test split")
    parser.add_argument("--ranked", type=int, default=80, help="edits a kind, of validation")
    arguments = parser.parse_args()
    count, ranked = arguments.edits, arguments.ranked
    figures = measure("test", 5000, count)
    shares = {k: f"{100 * v:.1f} %" for k, v in figures.items()}
    numbers = {f"n_{k}": f"{v:.3f}" for k, v in figures.items()}
    page = TEMPLATE.read_text(encoding="utf-8")
    values = {**shares, **numbers, "count": count, "pictures": 2 * count, "kinds": ranked}
    tables = {"files": table_of_files(), "ranking": table_of_ranking(ranked)}
    PAGE.write_text(page.format(**values, **tables), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
