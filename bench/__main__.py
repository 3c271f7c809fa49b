"""python3 dev.py bench [PART] [options], PART one of the choices below.

See docs/elect_benchmark.md.

With options of their own: `bench tino` (docs/tino_benchmark.md), `bench scale` (what very many
edits cost, docs/scale.md) and `bench gpu` (the costs on a GPU, docs/elect_system.md).
"""

import argparse
import sys
from pathlib import Path

from comfy.cli_args import args as comfy_args

from .commands import OWN, cuda_here, own_command


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parts = ["all", "quality", "system", "alignment", "placement", "races", "confidence"]
    parts += ["prompts", "few-steps", "choice", "finish", "summary"]  # not among all
    parser.add_argument("part", nargs="?", choices=parts, default="all")
    parser.add_argument(
        "--variant",
        choices=["editing", "mild", "harsh", "flow", "flow_mild"],
        default="editing",
        help="of the embedded model (default: editing)",
    )
    parser.add_argument(
        "--beside",
        type=int,
        default=0,
        metavar="N",
        help="of `quality`: with the first sampler set the v-prediction model beside it, N edits",
    )
    parser.add_argument("--edits", type=int, default=200, help="how many edits (default 200)")
    parser.add_argument(
        "--split",
        choices=["test", "val"],
        default="test",
        help="edits to report on (test, the default) or to choose settings on (val)",
    )
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
        "--sure-of",
        nargs="+",
        default=["flow_mild", "flow", "editing"],
        help="of `confidence`: the variants, all three by default",
    )
    parser.add_argument(
        "--of",
        nargs="+",
        default=["editing", "mild", "harsh", "flow", "flow_mild"],
        help="of `summary`, `choice` and `finish`: the variants (default: all of many steps)",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).resolve().parent.parent / ".cache" / "bench"
    )
    return parser.parse_args()


def arguments(options: argparse.Namespace) -> str:
    """What makes the same page again."""
    model = "" if options.variant == "editing" else f" --variant {options.variant}"
    sizes = f"--edits {options.edits} --seeds {options.seeds}"
    beside = f" --beside {options.beside}" if options.beside else ""
    model += "" if options.split == "test" else f" --split {options.split}"
    return f"{model} --samplers {' '.join(options.samplers)} {sizes}{beside}"


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in OWN:
        own_command(sys.argv[1])(sys.argv[2:])
        return
    options = parse()
    comfy_args.cpu = not cuda_here()
    import comfy.utils

    comfy.utils.PROGRESS_BAR_ENABLED = False
    from .edits import GUIDANCE, EditBench, Guidance
    from .elect.alignment import write_alignment
    from .elect.placement import write_placement
    from .elect.races import write_races
    from .elect.report import DOCS
    from .system import write_system

    usual = GUIDANCE[options.variant]
    guidance = Guidance(options.text or usual.text, options.image or usual.image)
    bench = EditBench(guidance, options.steps, options.variant, options.split)
    DOCS.mkdir(exist_ok=True)
    if options.part in ("all", "system"):
        print(write_system(bench, DOCS / "elect_system.md"))
    if options.part in ("all", "alignment"):
        path = DOCS / "elect_alignment.md"
        folder = tapes(bench, options, "euler", options.edits)
        told = f"python3 dev.py bench alignment --variant {bench.variant} --edits {options.edits}"
        print(write_alignment(bench, folder, options.edits, path, told))
    if options.part in ("all", "placement"):
        print(write_placement(bench, options.edits, DOCS / "elect_placement.md"))
    if options.part in ("all", "races"):
        suffix = bench.variant + ("" if bench.split == "test" else f"_{bench.split}")
        path = DOCS / f"elect_races_{suffix}.md"
        folder = tapes(bench, options, "euler", options.edits)
        told = "python3 dev.py bench races" + arguments(options)
        print(write_races(bench, folder, options.edits, path, told))
    if options.part in ("all", "confidence"):
        print(confidence(options))
    if options.part == "summary":
        print(summary(options))
    if options.part == "choice":
        print(choice(options))
    if options.part == "finish":
        print(finish(options))
    if options.part == "few-steps":
        from .elect.few_steps import write_few_steps

        print(write_few_steps(options))
    if options.part == "prompts":
        from .elect.prompts import write_prompts

        print(write_prompts(bench, options, DOCS / "elect_prompts.md"))
    if options.part in ("all", "quality"):
        print(quality(bench, options))


def tapes(bench, options: argparse.Namespace, sampler: str, num_edits: int) -> Path:
    """The folder of the edits' tapes with a sampler, after running what is missing."""
    from .elect.runs import run_edits

    sizes = f"{options.seeds}x{options.steps}"
    guidance = bench.guidance
    name = f"{sampler}-{sizes}-{guidance.text:g}-{guidance.image:g}"
    name += "" if bench.split == "test" else f"-{bench.split}"
    folder = options.folder / bench.run_fingerprint / name
    run_edits(bench, folder, sampler, num_edits, options.seeds)
    return folder


def models(options: argparse.Namespace):
    """The variants of `of`, one after the other: what was measured of each, and its tapes."""
    from .edits import GUIDANCE, EditBench

    for variant in options.of:
        bench = EditBench(GUIDANCE[variant], options.steps, variant, options.split)
        section = measure(bench, options, "euler", options.edits)
        yield section, tapes(bench, options, "euler", options.edits)


def summary(options: argparse.Namespace) -> Path:
    """The page for readers, over the variants of `of`."""
    from .elect.summary import Chapter, races, write_summary

    chapters = [Chapter(section, races(section, folder)) for section, folder in models(options)]
    return write_summary(chapters, f"python3 dev.py bench summary --edits {options.edits}")


def choice(options: argparse.Namespace) -> Path:
    """What the validation split says of every way to choose, over the variants of `of`."""
    from .elect.choice import Model, write_choice

    options.split = "val"
    found = [Model(section, folder) for section, folder in models(options)]
    return write_choice(found, f"python3 dev.py bench choice --edits {options.edits}")


def finish(options: argparse.Namespace) -> str:
    """What keeping the source is worth, over the variants of `of`."""
    from .elect.finish import finished
    from .elect.finish_page import Model, write_finish

    found = []
    for section, folder in models(options):
        edits = [finished(section.bench, index, folder) for index in range(options.edits)]
        found.append(Model(section.bench.variant, edits))
    return write_finish(found, f"python3 dev.py bench finish --edits {options.edits}")


def confidence(options: argparse.Namespace) -> str:
    """How sure elections are and how often that comes true, over the variants of `sure_of`."""
    from .edits import GUIDANCE, EditBench
    from .elect.confidence import look, write_confidence
    from .elect.report import DOCS

    parts = []
    for variant in options.sure_of:
        bench = EditBench(GUIDANCE[variant], options.steps, variant, options.split)
        folder = tapes(bench, options, "euler", options.edits)
        parts.append((bench, look(bench, folder, options.edits)))
    told = f" --sure-of {' '.join(options.sure_of)} --edits {options.edits}"
    told += "" if options.split == "test" else f" --split {options.split}"
    suffix = "" if options.split == "test" else f"_{options.split}"
    return write_confidence(parts, DOCS / f"elect_confidence{suffix}.md", told)


def measure(bench, options: argparse.Namespace, sampler: str, num_edits: int):
    """The first edits with a sampler, run and measured where that is missing."""
    from .elect.measure import measure_edit
    from .elect.section import Section

    folder, measured = tapes(bench, options, sampler, num_edits), []
    for index in range(num_edits):
        measured.append(measure_edit(bench, index, folder))
        print(f"{sampler}: measured {index + 1} of {num_edits}", flush=True)
    return Section(bench, sampler, measured)


def quality(bench, options: argparse.Namespace) -> Path | None:
    """Measure every sampler; the report is written anew after each."""
    from .edits import GUIDANCE, EditBench
    from .elect.report import write_report

    sections, beside, path = [], [], None
    for sampler in options.samplers:
        sections.append(measure(bench, options, sampler, options.edits))
        if options.beside and not beside:
            other = EditBench(GUIDANCE["editing"], options.steps, split=options.split)
            beside.append(measure(other, options, sampler, options.beside))
        path = write_report(sections, arguments(options), beside)
    return path


if __name__ == "__main__":
    main()
