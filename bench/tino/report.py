"""docs/tino_benchmark_paper.md and its pictures, from the kept files."""

from pathlib import Path

import numpy as np

from .cost import read_cost
from .plots import plot_curves, plot_over_iterations, plot_samples
from .results import BEST, Results
from .tables import Row, over_iterations, paired, table
from .variants import ABLATIONS

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
_BASELINES = ("sdedit-0.5", "sdedit-0.75", "bld-0.5", "bld-0.75")
_TITLES = {
    "sdedit-0.5": "SDEdit 0.5",
    "sdedit-0.75": "SDEdit 0.75",
    "bld-0.5": "BLD 0.5",
    "bld-0.75": "BLD 0.75",
}
_KINDS = {
    "recolour": ("Recolour by text", "source"),
    "replace": ("Replace by text", "source"),
    "reference": ("Reference", "source"),
    "strokes": ("Strokes", "strokes"),
    "composition": ("Composition", "composite"),
}


def _tino_rows(results: Results, kinds) -> list[Row]:
    """TiNO-Edit at W = 0, at the last W and at its lowest loss."""
    last = len(results.marks) - 1
    return [
        results.row("tino", "TiNO-Edit, W = 0", kinds, 0),
        results.row("tino", f"TiNO-Edit, W = {results.marks[last]}", kinds, last),
        results.row("tino", "TiNO-Edit, lowest loss", kinds, BEST),
    ]


def comparison(results: Results, kinds, given: str) -> str:
    """Table of one kind, or of all, and paired differences against the lowest loss."""
    baselines = [results.row(name, _TITLES[name], kinds, 0) for name in _BASELINES]
    tino = _tino_rows(results, kinds)
    ends = [results.row("given", given, kinds, 0), results.row("truth", "the truth", kinds, 0)]
    against = [tino[0], *baselines]
    metrics = ("success", "mse", "clip_t", "clip_i", "observer")
    gains = "\n\n".join(paired(one, against, metrics) for one in tino[1:])
    return f"{table([ends[0], *baselines, *tino, ends[1]])}\n\n{gains}"


def kind_text(results: Results, kind: str) -> str:
    """The section of one kind."""
    title, start = _KINDS[kind]
    return f"## {title}\n\n{comparison(results, [kind], f'nothing done ({start})')}\n"


def iterations_text(results: Results) -> str:
    """Success and background error over W."""
    kinds = results.plan.kinds
    groups = [[kind] for kind in kinds] + [list(kinds)]
    parts = []
    for metric, scale in (("success", 100), ("mse", 1)):
        values = [scale * results.over_marks("tino", group, metric) for group in groups]
        columns = dict(zip((*kinds, "all"), values, strict=True))
        head = "Success %" if metric == "success" else "Background MSE x1e4"
        parts.append(f"{head}:\n\n{over_iterations(results.marks, columns)}")
    return "\n\n".join(parts)


def ablation_text(results: Results) -> str:
    """Each part of the method left out, on the same edits."""
    kinds, first, last = results.plan.kinds, results.plan.num_few, len(results.marks) - 1
    full = results.row("tino", "TiNO-Edit", kinds, last, first)
    rows = [results.row(v.name, v.title, kinds, last, first) for v in ABLATIONS]
    none = results.row("tino", "W = 0", kinds, 0, first)
    shown = [none, full, *rows]
    losses = []
    for name, title in (("tino", full.title), *((v.name, v.title) for v in ABLATIONS)):
        curve = np.concatenate([results.curve(name, k, "losses")[:, :first] for k in kinds], 1)
        losses.append(f"{title} {curve[0].mean():.4f} -> {curve[-1].mean():.4f}")
    metrics = ("success", "mse", "clip_t", "clip_i", "observer")
    gains = "\n".join(
        paired(row, [full], metrics).splitlines()[i] for row in rows for i in _lines(row, rows)
    )
    return f"{table(shown)}\n\n{gains}\n\nMean loss, first -> last: {'; '.join(losses)}."


def _lines(row: Row, rows: list[Row]) -> list[int]:
    """Lines of a paired table to keep: its head once."""
    return [0, 1, 2] if row is rows[0] else [2]


_HEAD = """# TiNO-Edit on the embedded test split

Made by `python3 dev.py bench tino{arguments}`. {num_edits} edits of each of five kinds, K = {k}
steps, T = {t:g}, W = {w} iterations, guidance {cfg:g}; every method has the same weights, captions,
first noise and steps. Means over edits with 95 % bootstrap intervals in brackets.

- *success*: by the ground truth (`embedded/world/success.py`).
- *error*: inside the true edit's mask, mean squared, to the truth behind the VAE.
- *background MSE*: outside the true edit's mask, against the decoded encoding of the source, so
  that the VAE's own loss counts for nobody.
- *CLIP-T*, *CLIP-I*: result against caption and against source, in the embedded CLIP-like teacher,
  from which the LatentCLIP of the loss was distilled; *CLIP-I\\** against the reference, strokes or
  composite.
- *observer*: result against source in a self-supervised network that no loss uses (DINO-I's part).
- *nothing done* is what the methods start from; *the truth* is the true edit through the VAE, the
  most that can be reached.
- Text edits and the reference get the true mask; strokes and compositions the pixels that differ
  from the source, which is wider than the true mask. SDEdit has no mask.
- The UNet that draws was trained on pictures in part as Algorithm 1 shows them, noise beside the
  clean source; Blended Latent Diffusion shows it a noised source.
- The embedded VAE blurs; pictures under *truth (VAE)* are the true edit through it. In the grid
  nothing is picked: the first edits of each kind.

"""


def arguments(results: Results) -> str:
    """Options that remake this, where they are not the defaults."""
    plan, settings = results.plan, results.plan.settings
    given = {
        "edits": (plan.num_edits, 60),
        "ablation-edits": (plan.num_ablation, 30),
        "steps": (settings.num_steps, 10),
        "iterations": (settings.iterations, 50),
        "cfg": (results.bench.cfg, 1.0),
        "batch": (plan.batch_size, 15),
    }
    return "".join(
        f" --{name} {value:g}" for name, (value, usual) in given.items() if value != usual
    )


def write_report(results: Results, docs: Path = DOCS) -> Path:
    """Write docs/tino_benchmark_paper.md and its pictures."""
    plan, settings = results.plan, results.plan.settings
    images = docs / "images"
    plot_curves(results, images / "tino_curves.png")
    plot_over_iterations(results, images / "tino_over_iterations.png")
    plot_samples(results, images / "tino_samples.jpg")
    parts = [
        _HEAD.format(
            arguments=arguments(results), num_edits=plan.num_edits, k=settings.num_steps,
            t=settings.strength, w=settings.iterations, cfg=results.bench.cfg,
        ),
        f"![the first edits of each kind](images/tino_samples.jpg)\n\n## All kinds\n\n"
        f"{comparison(results, plan.kinds, 'nothing done')}\n",
        *(kind_text(results, kind) for kind in plan.kinds),
        f"## Over the iterations\n\n{iterations_text(results)}\n\n"
        "![timesteps, noise and loss over the iterations](images/tino_curves.png)\n",
        f"## Ablations\n\nOn the first {results.plan.num_few} edits of each kind, at the last W."
        "\n\n"
        f"{ablation_text(results)}\n\n"
        "![with and without each part of the method](images/tino_over_iterations.png)\n",
        read_cost(results.root),
    ]  # fmt: skip
    path = docs / "tino_benchmark_paper.md"
    path.write_text("\n".join(part for part in parts if part), encoding="utf-8")
    return path
