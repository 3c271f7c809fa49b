"""`python3 dev.py doctor`: what this ComfyUI is, what is known of it, and a ten-second election.

Its output is what a bug report needs. Exit code 1 where the pack does not load or does not elect.
"""

import importlib.metadata
import platform
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import tomllib

from .demo import upload_sources
from .server.client import ExecutionFailed, PromptRejected
from .server.comfy_server import PACK_ROOT, ComfyServer, comfy_path, has_gpu
from .workflows.summary import nodes_of, summarise
from .workflows.workflow import DEMO, load_workflow, to_prompt

TRIED = ("0.3.52", "0.3.75", "0.18.1", "0.33.0")
"""The ComfyUI versions that the tests were run on."""
STEPS, CANDIDATES = 8, 4
_PINNED = re.compile(r"^(comfy[\w-]*)==([\w.]+)", re.MULTILINE)


def number(version: str) -> tuple[int, ...]:
    """A version to compare by."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def installed(package: str) -> str | None:
    """The version of a package, None where it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def host_version(comfyui: Path) -> str:
    """What a ComfyUI folder says it is."""
    text = (comfyui / "comfyui_version.py").read_text(encoding="utf-8")
    return re.findall(r'__version__ = "([^"]+)"', text)[0]


def missing_packages(comfyui: Path) -> Iterator[str]:
    """The host's own packages that are absent or of another version than it names."""
    wanted = (comfyui / "requirements.txt").read_text(encoding="utf-8")
    for package, version in _PINNED.findall(wanted):
        found = installed(package)
        if found != version:
            yield f"{package} {found or 'is not installed'}; this ComfyUI names {version}"


def incompatibilities(comfyui: Path) -> Iterator[str]:
    """What is known to go wrong, or was never tried, on this host."""
    version = host_version(comfyui)
    if number(version) < number(TRIED[0]):
        yield f"ComfyUI {version} is older than {TRIED[0]}, the oldest that was tried: update it"
    elif number(version) > number(TRIED[-1]):
        yield f"ComfyUI {version} is newer than {TRIED[-1]}, the newest that was tried"
    yield from missing_packages(comfyui)


def facts(comfyui: Path) -> Iterator[tuple[str, str]]:
    """Name and value of everything that a report should say."""
    import comfy.model_management
    import torch

    project = tomllib.loads((PACK_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield "pack", f"{project['name']} {project['version']}"
    yield "ComfyUI", host_version(comfyui)
    yield "frontend", installed("comfyui-frontend-package") or "not installed"
    yield "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield "torch", str(torch.__version__)
    device = comfy.model_management.get_torch_device()
    yield "device", comfy.model_management.get_torch_device_name(device)


def differences() -> Iterator[str]:
    """What of newer ComfyUI versions this one has, as the nodes see it."""
    from ..nodes.host.versions import DIFFERENCES

    for one in DIFFERENCES:
        yield f"{'yes' if one.present() else 'no ':<4}{one.name} (since {one.since})"


def elect(server: ComfyServer) -> dict:
    """The demo workflow with few candidates and few steps; what `summarise` says of it."""
    object_info = server.object_info()
    prompt = to_prompt(load_workflow(DEMO), object_info)
    upload_sources(server, prompt, DEMO.parent)
    for _, node in nodes_of(prompt, "MultiSeedPartialSampler"):
        node["inputs"]["num_candidates"] = CANDIDATES
    for _, node in nodes_of(prompt, "BasicScheduler"):
        node["inputs"]["steps"] = STEPS
    entry = server.wait(server.submit(prompt), 600)
    return summarise(prompt, entry, object_info)


def try_election() -> str:
    """One line on an election in a real server; raises what stopped it."""
    with ComfyServer() as server:
        start = time.monotonic()
        result = elect(server)
        seconds = time.monotonic() - start
    return (
        f"elected seed {result['elected_seed']} of {len(result['seeds'])} with "
        f"{result['nfe']} model steps in {seconds:.1f} s"
    )


def main() -> int:
    from comfy.cli_args import args

    args.cpu = not has_gpu()  # before ComfyUI's model management is imported
    comfyui = comfy_path()
    for name, value in facts(comfyui):
        print(f"{name:<10}{value}", flush=True)
    print("\nwhat differs between ComfyUI versions, and what this one has:")
    print(*(f"  {line}" for line in differences()), sep="\n")
    known = list(incompatibilities(comfyui))
    print("\nknown incompatibilities:" if known else "\nknown incompatibilities: none")
    print(*(f"  {line}" for line in known), sep="\n", flush=True)
    print("an election in a server of its own ...", flush=True)
    try:
        print(f"  {try_election()}")
    except (OSError, RuntimeError, ValueError, PromptRejected, ExecutionFailed) as failure:
        print(f"  FAILED: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
