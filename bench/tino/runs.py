"""Every method on every batch, once. Resumable and splittable: one file for each piece of work."""

import dataclasses
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ...tensor_files import write_tensor_file
from ...tino_core.settings import Settings
from ..digest import digest
from .contest_methods import begin_elected
from .methods import Batch, read_batch
from .models import TinoBench
from .tasks import KINDS, TEST
from .variants import ABLATIONS, MAIN, Variant

CACHE = Path(__file__).resolve().parent.parent.parent / ".cache" / "bench"


@dataclass(frozen=True)
class Plan:
    """How much to run: edits of each kind, edits of the ablations in all, pictures at once.

    main, ablations: what runs on all edits, and on the first few of each kind
    split: of the embedded world, whose edits these are
    """

    settings: Settings
    num_edits: int = 60
    num_ablation: int = 30
    batch_size: int = 15
    kinds: tuple[str, ...] = KINDS
    main: tuple[Variant, ...] = MAIN
    ablations: tuple[Variant, ...] = ABLATIONS
    split: str = TEST

    @property
    def named(self) -> dict[str, Variant]:
        """All that runs, by name."""
        return {one.name: one for one in (*self.main, *self.ablations)}

    @property
    def num_few(self) -> int:
        """Edits of each kind that the ablations run on."""
        return min(self.num_edits, self.num_ablation // len(self.kinds))

    def batches(self, variant: Variant) -> list[Batch]:
        """Batches of a variant; the ablations run on the first edits of each kind."""
        number = self.num_few if variant in self.ablations else self.num_edits
        size = self.batch_size
        return [
            Batch(kind, range(first, min(first + size, number)), self.split)
            for kind in self.kinds
            for first in range(0, number, size)
        ]

    def pieces(self) -> list[tuple[Variant, Batch]]:
        """All work, so ordered that any first stretch of it has every kind."""
        main = [(variant, batch) for variant in self.main for batch in self.batches(variant)]
        main.sort(key=lambda piece: piece[1].indices.start)
        return main + [(v, batch) for v in self.ablations for batch in self.batches(v)]

    def folder(self, bench: TinoBench, root: Path) -> Path:
        """Where results of these weights, settings and this code are kept."""
        described = f"{dataclasses.asdict(self.settings)} {bench.cfg} {_code_version()}"
        name = hashlib.sha256(described.encode()).hexdigest()[:8]
        s = self.settings
        sizes = f"tino-{s.num_steps}x{s.iterations}-{bench.cfg:g}-{name}"
        return root / bench.run_fingerprint / sizes


@cache
def _code_version() -> str:
    """Names the code that makes results, so that older code's are not taken for its own."""
    here = Path(__file__).resolve().parent
    core = here.parent.parent / "tino_core"
    stems = ("tasks", "blended", "methods", "setups", "contest_methods")
    files = [here / f"{stem}.py" for stem in stems]
    files += sorted(core.glob("*.py"))  # whole: a list of stems would forget the next one
    files += [core.parent / "nodes" / "tino" / "loss.py"]
    return digest(files)


def path_of(folder: Path, variant: Variant, batch: Batch) -> Path:
    """The file of one piece of work."""
    return folder / f"{variant.name}-{variant.fingerprint}.{batch.name}.safetensors"


def run_piece(
    bench: TinoBench,
    variant: Variant,
    batch: Batch,
    settings: Settings,
    path: Path,
    tried: Path | None = None,
) -> None:
    """Run a variant on a batch and keep what it made. tried: file of the kept first noises."""
    with torch.inference_mode():
        inputs = read_batch(bench, batch, batch.tasks, variant.setup)
        if tried is not None:
            inputs = begin_elected(inputs, load_result(tried))
        settings = dataclasses.replace(settings, **variant.settings)
        result = variant.method(bench, inputs, settings)
    kept = {name: value.contiguous().clone() for name, value in result.items()}
    write_tensor_file(path, kept, {})


def run_missing(
    bench: TinoBench, plan: Plan, root: Path, share: tuple[int, int] = (1, 1)
) -> Sequence[Path]:
    """Run what is missing; share (i, n): every n-th piece from the i-th.  Returns what was run."""
    folder = plan.folder(bench, root)
    folder.mkdir(parents=True, exist_ok=True)
    begin, made = time.monotonic(), []
    mine = plan.pieces()[share[0] - 1 :: share[1]]
    for number, (variant, batch) in enumerate(mine, start=1):
        path = path_of(folder, variant, batch)
        if path.exists():
            continue
        run_piece(bench, variant, batch, plan.settings, path)
        made.append(path)
        spent = time.monotonic() - begin
        print(f"{number} of {len(mine)}: {variant.name} {batch.name}, {spent:.0f} s", flush=True)
    return made


def load_result(path: Path) -> dict[str, Tensor]:
    """What one piece of work made, as `methods.Result` says."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path.name} was not run yet: run `python3 dev.py bench tino run` with the same sizes."
        )
    return load_file(path)
