"""One command for every job: python3 dev.py demo | doctor | test | check | serve | python | bench.

Each makes what it needs first: a virtual environment in .venv with the pinned requirements, the
real ComfyUI in .cache (or your own: COMFYUI_PATH=/path/to/ComfyUI, with COMFYUI_PACKAGES=/folder
of what it wants besides the pins), and the links between them and this pack. What is already
there is kept, so a second run starts in seconds.
"""

import argparse
import sys
from pathlib import Path

if __package__:
    from .harness.setup.changelog import pack_version, release_notes
    from .harness.setup.hosts import DEFAULT_HOST, HOSTS
    from .harness.setup.registry import write_addresses
    from .harness.setup.set_up import PACKAGE, set_up
    from .harness.setup.steps import StepFailed, say
else:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from harness.setup.changelog import pack_version, release_notes
    from harness.setup.hosts import DEFAULT_HOST, HOSTS
    from harness.setup.registry import write_addresses
    from harness.setup.set_up import PACKAGE, set_up
    from harness.setup.steps import StepFailed, say

# Ends with 7 where ComfyUI must be told to run on the CPU.
GPU_PROBE = f"""
from {PACKAGE}.harness.server.comfy_server import has_gpu
exit(0 if has_gpu() else 7)
"""
# A file stays with one worker, which starts one server for its session.
SPREAD = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]


def demo(args: list[str]) -> int:
    """Run ELECT on a picture in the real ComfyUI; results in output/demo/."""
    return set_up().python("-m", f"{PACKAGE}.harness.demo", *args)


def test(args: list[str]) -> int:
    """Run the tests, all of them on every core; arguments go to pytest, after [--host VERSION]."""
    parser = argparse.ArgumentParser(prog="dev.py test", add_help=False, allow_abbrev=False)
    parser.add_argument("--host", choices=HOSTS, default=DEFAULT_HOST)
    own, rest = parser.parse_known_args(args)
    smoke = ["-m", "host_smoke"] if own.host != DEFAULT_HOST else []
    named = [one for one in rest if Path(one.split("::")[0]).exists()]
    spread = [] if smoke or named else SPREAD
    return set_up(own.host).python("-m", "pytest", *smoke, *spread, *rest)


def check(args: list[str]) -> int:
    """Run ruff check, ruff format --check and pyright, on the two cores in its strict mode."""
    setup = set_up()
    tools = (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["pyright"],
        ["pyright", "-p", ".pyright-cores.json"],
    )
    failed = []
    for tool in tools:
        say(" ".join(tool))
        if setup.python("-m", *tool) != 0:
            failed.append(" ".join(tool))
    say(f"check: failed in {', '.join(failed)}" if failed else "check: all clean")
    return 1 if failed else 0


def serve(args: list[str]) -> int:
    """Start ComfyUI with the pack [--port 8188]; further arguments go to its main.py."""
    parser = argparse.ArgumentParser(prog="dev.py serve", add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8188)
    own, rest = parser.parse_known_args(args)
    setup = set_up()
    device = ["--cpu"] if setup.python("-c", GPU_PROBE) == 7 else []
    say(f"ComfyUI with the pack: http://127.0.0.1:{own.port} (Ctrl-C ends it)")
    fixed = ["--port", str(own.port), "--preview-method", "auto", "--disable-auto-launch"]
    return setup.python(setup.comfyui / "main.py", *fixed, *device, *rest)


def python(args: list[str]) -> int:
    """Run the environment's Python, with ComfyUI and the pack importable."""
    return set_up().python(*args)


def doctor(args: list[str]) -> int:
    """Say what this ComfyUI is and what is known of it, and run a ten-second election."""
    return set_up().python("-m", f"{PACKAGE}.harness.doctor", *args)


def bench(args: list[str]) -> int:
    """Run the benchmark; arguments go to it."""
    return set_up().python("-m", f"{PACKAGE}.bench", *args)


def notes(args: list[str]) -> int:
    """Print the changelog's section of a version, once it is the pack's [VERSION]."""
    print(release_notes(args[0] if args else pack_version()))
    return 0


def addresses(args: list[str]) -> int:
    """Write a release's addresses into pyproject.toml: https://github.com/OWNER/NAME TAG."""
    repository, tag = [*args, "", ""][:2]
    write_addresses(Path(__file__).with_name("pyproject.toml"), repository, tag)
    return 0


def evaluate(args: list[str]) -> int:
    """Measure folders of edited pictures by published protocols; arguments go to it."""
    return set_up().python("-m", f"{PACKAGE}.evaluation", *args)


def edit(args: list[str]) -> int:
    """Edit a folder or table of pictures by a workflow; arguments go to it."""
    return set_up().python("-m", f"{PACKAGE}.batch", *args)


def docs(args: list[str]) -> int:
    """Build docs/ and the cores' API pages as a site in output/site; arguments go to mkdocs."""
    return set_up().python("-m", "mkdocs", "build", "--strict", *args)


VERBS = {
    verb.__name__: verb
    for verb in (
        demo,
        doctor,
        edit,
        evaluate,
        test,
        check,
        serve,
        python,
        bench,
        notes,
        addresses,
        docs,
    )
}


def usage() -> str:
    verbs = (f"  {name:<10}{verb.__doc__}" for name, verb in VERBS.items())
    return "\n".join([__doc__ or "", *verbs])


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in VERBS:
        print(usage())
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    try:
        return VERBS[argv[0]](argv[1:])
    except (StepFailed, FileExistsError) as failure:
        print(f"\n[dev] FAILED: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n[dev] stopped; run the same command to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
