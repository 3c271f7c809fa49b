"""python3 dev.py bench [quality|system] [options]: the benchmark; see docs/elect_benchmark.md.

`bench tino` is the one of TiNO-Edit, with options of its own; see docs/tino_benchmark.md.
"""

import argparse
import sys
from pathlib import Path

from comfy.cli_args import args as comfy_args


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["all", "quality", "system"], default="all")
    parser.add_argument(
        "--variant",
        choices=["editing", "flow"],
        default="editing",
        help="of the embedded model: v-prediction (default), or rectified flow",
    )
    parser.add_argument("--edits", type=int, default=200, help="test edits (default 200)")
    parser.add_argument("--seeds", type=int, default=16, help="seeds an edit (default 16)")
    parser.add_argument("--steps", type=int, default=20, help="sampler steps (default 20)")
    parser.add_argument("--text", type=float, help="text guidance (default: the demo's)")
    parser.add_argument("--image", type=float, help="image guidance (default: the demo's)")
    parser.add_argument(
        "--samplers",
        nargs="+",
        default=["euler", "dpmpp_2m", "euler_ancestral"],
        help="default: euler dpmpp_2m euler_ancestral",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).resolve().parent.parent / ".cache" / "bench"
    )
    return parser.parse_args()


def arguments(options: argparse.Namespace) -> str:
    """What makes the same page again."""
    model = "" if options.variant == "editing" else f" --variant {options.variant}"
    sizes = f"--edits {options.edits} --seeds {options.seeds}"
    return f"{model} --samplers {' '.join(options.samplers)} {sizes}"


def main() -> None:
    if sys.argv[1:2] == ["tino"]:
        from .tino.command import main as tino

        tino(sys.argv[2:])
        return
    options = parse()
    import torch

    comfy_args.cpu = not torch.cuda.is_available()
    import comfy.utils

    comfy.utils.PROGRESS_BAR_ENABLED = False
    from .edits import GUIDANCE, EditBench, Guidance
    from .measure import measure_edit
    from .report import DOCS, Section, write_report
    from .runs import run_edits
    from .system import write_system

    usual = GUIDANCE[options.variant]
    guidance = Guidance(options.text or usual.text, options.image or usual.image)
    bench = EditBench(guidance, options.steps, options.variant)
    DOCS.mkdir(exist_ok=True)
    if options.part != "quality":
        print(write_system(bench, DOCS / "elect_system.md"))
    if options.part == "system":
        return
    sections = []
    for sampler in options.samplers:
        sizes = f"{options.seeds}x{options.steps}"
        name = f"{sampler}-{sizes}-{guidance.text:g}-{guidance.image:g}"
        folder = options.folder / bench.run_fingerprint / name
        run_edits(bench, folder, sampler, options.edits, options.seeds)
        measured = []
        for index in range(options.edits):
            measured.append(measure_edit(bench, index, folder))
            print(f"{sampler}: measured {index + 1} of {options.edits}", flush=True)
        sections.append(Section(bench, sampler, measured))
        path = write_report(sections, arguments(options))
    print(path)


if __name__ == "__main__":
    main()
