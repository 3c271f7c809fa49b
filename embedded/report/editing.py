"""Measures the shipped weights on the test split: python -m elect_tino.embedded.report.

Writes docs/embedded.md and sample grids to docs/images. One seed per edit, Euler; every model that
edits.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

from ..model.shipped import WEIGHTS
from ..model.text import token_ids
from ..train import use_cpu
from ..training.editor import Editor
from ..training.sampling import sample_latents
from ..training.vae import psnr
from ..world.edits import KINDS
from ..world.samples import Sample, sample
from ..world.success import Judge, background_error

DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGE = Path(__file__).with_name("page.md")
SWEEP = ((2.0, 1.5), (3.0, 1.2), (3.0, 1.5), (3.0, 2.0), (5.0, 1.5))
_BATCH = 24
_SHOWN = ("editing", "flow", "flow_mild", "flow_4")


@dataclass(frozen=True)
class Setting:
    """How a variant samples; swept: whose sweep chose its guidance, None where that is fixed."""

    swept: str | None
    steps: int = 20


SETTINGS = {
    "editing": Setting("editing"),
    "mild": Setting("editing"),
    "harsh": Setting("editing"),
    "flow": Setting("flow"),
    "flow_mild": Setting("flow"),
    "flow_4": Setting(None, 4),
    "flow_2": Setting(None, 2),
    "flow_1": Setting(None, 1),
}


_HEAD = (
    f"| variant | text / image | steps | {' | '.join(KINDS)} | all | background error |\n"
    f"|{'---|' * (5 + len(KINDS))}"
)
_SWEEP_HEAD = (
    "| *{variant}*: text / image | success | success on recolour and replace | background error |\n"
    "|---|---|---|---|"
)


@dataclass(frozen=True)
class Outcome:
    """What one seed made of one edit; error is background MSE x1e4 outside the true mask."""

    kind: str
    succeeded: bool
    error: float


def editor_of(model, clip) -> Editor:
    """The loaded MODEL and CLIP as the sampling loop wants them."""
    from ..model.comfyui import OBJECTIVES

    text, unet = clip.cond_stage_model.clip_l.transformer, model.model.diffusion_model
    editor = Editor(unet, text, OBJECTIVES[model.model.model_type])
    editor.eval().requires_grad_(False)
    editor.latent_mean.copy_(model.model.latent_format.mean)
    editor.latent_std.copy_(model.model.latent_format.std)
    return editor


def stacked(samples: Sequence[Sample], name: str) -> np.ndarray:
    """A picture of every sample, (N, H, W, 3)."""
    return np.stack([getattr(one, name) for one in samples])


def pictures_of(samples: Sequence[Sample]) -> Tensor:
    """The sources, (N, H, W, 3) in [0, 1]."""
    return torch.from_numpy(stacked(samples, "source"))


def run_edits(
    editor: Editor, vae, samples: Sequence[Sample], guidance: tuple[float, float], seed: int = 0,
    num_steps: int = 20,
) -> np.ndarray:  # fmt: skip
    """One edit of every sample, (N, H, W, 3) in [0, 1]; sample k uses seed + k."""
    pictures = []
    for first in range(0, len(samples), _BATCH):
        some = samples[first : first + _BATCH]
        tokens = torch.tensor([token_ids(s.instruction) for s in some])
        seeds = [seed + first + k for k in range(len(some))]
        with torch.inference_mode():
            source = vae.encode(pictures_of(some))
            latents = sample_latents(editor, source, tokens, seeds, *guidance, num_steps)
            pictures.append(vae.decode(latents).numpy())
    return np.concatenate(pictures)


def judge(samples: Sequence[Sample], pictures: np.ndarray) -> list[Outcome]:
    return [
        Outcome(s.kind, Judge(s).succeeded(p), background_error(s, p))
        for s, p in zip(samples, pictures, strict=True)
    ]


def success(outcomes: Sequence[Outcome], kinds: Sequence[str] = KINDS) -> float:
    """Share of successes among the kinds, in percent."""
    chosen = [o.succeeded for o in outcomes if o.kind in kinds]
    return 100 * float(np.mean(chosen)) if chosen else float("nan")


def error(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([o.error for o in outcomes]))


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    main = success(outcomes, ("recolour", "replace"))
    return f"| {name} | {success(outcomes):.1f} % | {main:.1f} % | {error(outcomes):.1f} |"


def sweep_table(editor: Editor, vae, samples: Sequence[Sample]) -> tuple[list[str], tuple]:
    """Rows of the guidance sweep, and the pair with the best success on recolour and replace."""
    results = {g: judge(samples, run_edits(editor, vae, samples, g, 10_000)) for g in SWEEP}
    rows = [_row(f"{text} / {image}", o) for (text, image), o in results.items()]
    best = max(
        SWEEP, key=lambda g: (success(results[g], ("recolour", "replace")), -error(results[g]))
    )
    return rows, best


def outcome_row(
    variant: str, guidance: tuple[float, float], steps: int, outcomes: Sequence[Outcome]
) -> str:
    """One variant's line of the page's table."""
    kinds = []
    for kind in KINDS:
        of_kind = [o for o in outcomes if o.kind == kind]
        kinds.append(f"{success(of_kind):.1f} ({len(of_kind)})")
    text, image = guidance
    return (
        f"| *{variant}* | {text:g} / {image:g} | {steps} | {' | '.join(kinds)} "
        f"| **{success(outcomes):.1f}** | {error(outcomes):.1f} |"
    )


def save_grid(path: Path, columns: Sequence[np.ndarray], rows: int = 6, across: int = 3) -> None:
    """Tiles of the columns side by side, each (N, H, W, 3); the first rows * across of them."""
    tiles = np.concatenate([c[: rows * across] for c in columns], axis=2)
    lines = [np.concatenate(list(tiles[i * across : (i + 1) * across]), 1) for i in range(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = (np.clip(np.concatenate(lines), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(picture).save(path, quality=88)


def reconstruction(vae, count: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Test PSNR in dB of the VAE through ComfyUI, with pictures and their reconstructions."""
    originals = pictures_of([sample("test", i) for i in range(count)])
    rebuilt = torch.cat([vae.decode(vae.encode(part)) for part in originals.split(16)])
    return psnr(rebuilt, originals), originals.numpy(), rebuilt.numpy()


def provenance() -> list[str]:
    """One line a weights file: size, title and how it was trained, from its own metadata."""
    lines = []
    for path in sorted(WEIGHTS.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
        size = path.stat().st_size / 1e6
        lines.append(f"| `{path.name}` | {size:.1f} MB | {about['title']} | {about['trained']} |")
    return lines


def measure(num_edits: int, num_sweep: int) -> tuple[list[str], list[str]]:
    """Rows of the outcomes of every variant, and the guidance sweeps as tables."""
    from ..model.comfyui import load_embedded

    samples = [sample("test", i) for i in range(num_edits)]
    held_out = [sample("val", i) for i in range(num_sweep)]
    best: dict[str | None, tuple[float, float]] = {None: (1.0, 1.0)}
    rows, sweeps = [], []
    for variant, setting in SETTINGS.items():
        model, clip, vae = load_embedded(variant=variant)
        editor = editor_of(model, clip)
        if setting.swept == variant:
            swept, best[variant] = sweep_table(editor, vae, held_out)
            sweeps.append("\n".join([_SWEEP_HEAD.format(variant=variant), *swept]))
        guidance = best[setting.swept]
        pictures = run_edits(editor, vae, samples, guidance, num_steps=setting.steps)
        rows.append(outcome_row(variant, guidance, setting.steps, judge(samples, pictures)))
        print(rows[-1], flush=True)
        if variant in _SHOWN:
            triple = (stacked(samples, "source"), pictures, stacked(samples, "target"))
            save_grid(DOCS / "images" / f"embedded_{variant}.jpg", triple)
    return rows, sweeps


def write_report(num_edits: int, num_sweep: int) -> None:
    """Measures everything and writes the page with its pictures."""
    from ..model.comfyui import load_embedded

    rows, sweeps = measure(num_edits, num_sweep)
    with torch.inference_mode():
        quality, originals, rebuilt = reconstruction(load_embedded()[2], 96)
    save_grid(DOCS / "images" / "embedded_vae.jpg", (originals, rebuilt), rows=3, across=4)
    instructions = [sample("test", i).instruction for i in range(18)]
    text = _PAGE.read_text(encoding="utf-8").format(
        weights="\n".join(provenance()),
        psnr=quality,
        num_edits=num_edits,
        num_sweep=num_sweep,
        outcomes="\n".join([_HEAD, *rows]),
        sweeps="\n\n".join(sweeps),
        instructions="\n".join(f"{i + 1}. {text}" for i, text in enumerate(instructions)),
        grids="\n\n".join(f"*{v}*:\n\n![{v}](images/embedded_{v}.jpg)" for v in _SHOWN),
    )
    (DOCS / "embedded.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=200, help="test edits to run")
    parser.add_argument("--sweep", type=int, default=72, help="validation edits per guidance")
    arguments = parser.parse_args()
    use_cpu()
    write_report(arguments.edits, arguments.sweep)
