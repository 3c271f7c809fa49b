"""`python3 dev.py demo`: the ELECT workflow in the real ComfyUI, results in output/demo/."""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

from PIL import Image

from .pictures.contact_sheet import contact_sheet, labelled
from .proof import draw_proof, edited_example, finish_all, measure, told
from .server.client import ComfyClient, ExecutionFailed, PromptRejected
from .server.comfy_server import PACK_ROOT, ComfyServer
from .server.events import Event
from .workflows.summary import election_of, nodes_of, shown_images, summarise
from .workflows.workflow import DEMO, load_workflow, to_prompt

OUTPUT = PACK_ROOT / "output" / "demo"
TIMEOUT = 1800


def upload_sources(client: ComfyClient, prompt: dict, folder: Path) -> None:
    """Put the pictures that the workflow loads, from its own folder, where LoadImage looks."""
    for key, node in nodes_of(prompt, "LoadImage"):
        name = node["inputs"]["image"]
        if not (folder / name).is_file():
            raise FileNotFoundError(f"node {key} loads {name}, which is not in {folder}")
        client.upload(folder / name)


def show_progress(prompt: dict, event: Event) -> None:
    """One line as each node starts."""
    if event.type == "executing" and event.node in prompt:
        node = prompt[event.node]
        print(f"  {node.get('_meta', {}).get('title') or node['class_type']} ...", flush=True)


def save_pictures(client: ComfyClient, prompt: dict, entry: dict, folder: Path) -> dict[str, str]:
    """Write what the run made; returns kind -> path."""
    files = {}
    for shown, file in shown_images(prompt, entry).items():
        kind = "relevance" if "relevance" in shown.lower() else "edited"
        name = kind if kind not in files else shown.replace("/", "_")
        files[name] = folder / f"{name}.png"
        client.picture(file).save(files[name])
    election = election_of(prompt, entry)
    if election["thumbnails"]:
        files["contact_sheet"] = folder / "contact_sheet.png"
        draw_sheet(client, election).save(files["contact_sheet"])
    return {kind: str(path) for kind, path in files.items()}


def draw_sheet(client: ComfyClient, election: dict) -> Image.Image:
    """BISSelect's pictures of the candidates, best first, with their numbers and scores."""
    pictures = [
        labelled(
            client.picture(election["thumbnails"][index]),
            f"#{index + 1}, rank {rank}, BIS {election['scores'][index] or math.nan:.5f}\n"
            f"seed {election['seeds'][index]}",
        )
        for rank, index in enumerate(election["order"], start=1)
    ]
    return contact_sheet(pictures, election["order"].index(election["elected"]))


def run_demo(
    server: ComfyServer, workflow_path: Path, folder: Path, with_all: bool = False
) -> dict:
    """Run the workflow on a started server and write all files but the summary."""
    object_info = server.object_info()
    workflow = load_workflow(workflow_path)
    prompt = to_prompt(workflow, object_info)
    upload_sources(server, prompt, workflow_path.parent)
    start = time.monotonic()
    prompt_id = server.submit(prompt, workflow)
    entry = server.wait(prompt_id, TIMEOUT, lambda event: show_progress(prompt, event))
    seconds = time.monotonic() - start
    files = save_pictures(server, prompt, entry, folder)
    summary = summarise(prompt, entry, object_info)
    return {
        "comfyui_version": server.system_stats()["system"]["comfyui_version"],
        **summary,
        **truths(server, prompt, files, election_of(prompt, entry) if with_all else None),
        "seconds": {"run": round(seconds, 1)},
        "files": files,
    }


def truths(server: ComfyServer, prompt: dict, files: dict[str, str], election: dict | None) -> dict:
    """What the elected picture is worth where the truth is known, and what all candidates are.

    election: finish all candidates for comparison, and draw them beside the other `files`
    """
    truth = edited_example(prompt)
    if truth is None:
        return {}
    with Image.open(files["edited"]) as picture:
        found = {"elected_truth": measure(truth, [picture.convert("RGB")])}
    if election is not None:
        everyone = finish_all(server, prompt, len(election["seeds"]), TIMEOUT)
        found["all_seeds_truth"] = measure(truth, everyone)
        path = Path(files["edited"]).with_name("proof.jpg")
        with Image.open(files["relevance"]) as relevance:
            draw_proof(truth, election, everyone, relevance).save(path, quality=85)
        files["proof"] = str(path)
    return found


def demo(workflow_path: Path, folder: Path, with_all: bool = False) -> Path:
    """The whole demo; returns the path of summary.json, which is written last.

    with_all: finish all candidates too, to compare them
    """
    load_workflow(workflow_path)  # a wrong path is known before the server starts
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "summary.json"
    path.unlink(missing_ok=True)
    start = time.monotonic()
    print("starting ComfyUI ...", flush=True)
    server = ComfyServer()
    with server:
        started = time.monotonic() - start
        print(f"ComfyUI answers after {started:.0f} s; running {workflow_path.name}", flush=True)
        try:
            summary = run_demo(server, workflow_path, folder, with_all)
        except (PromptRejected, ExecutionFailed, RuntimeError):
            (folder / "server.log").write_text(server.log(), encoding="utf-8")
            raise
    setup = float(os.environ.get("ELECT_SETUP_SECONDS", "0"))
    summary["seconds"] |= {"set_up": setup, "start_comfyui": round(started, 1)}
    path.write_text(json.dumps(summary, indent=2), encoding="utf-8")
    return path


def report(summary: dict) -> str:
    """What a newcomer wants to see first."""
    best = summary["scores"][summary["elected"]]
    scored = [score for score in summary["scores"] if score is not None]
    share = summary["nfe"] / summary["nfe_best_of_n"]
    lines = [
        f'"{summary["instruction"]}": elected seed {summary["elected_seed"]} of '
        f"{len(summary['seeds'])}, BIS {best:.4g} (worst {max(scored):.4g})",
        f"stopped at step {summary['stop']} of {summary['steps']}: {summary['nfe']} model steps "
        f"instead of {summary['nfe_best_of_n']} for Best-of-N ({share:.0%}), "
        f"{summary['seconds']['run']:.1f} s",
        *filter(None, [told(summary)]),
        *(f"{kind:<14}{path}" for kind, path in summary["files"].items()),
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--workflow", type=Path, default=DEMO, help="another workflow file")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for the results")
    parser.add_argument(
        "--proof", action="store_true", help="finish every seed too and compare with the truth"
    )
    args = parser.parse_args(argv)
    try:
        path = demo(args.workflow, args.output.resolve(), args.proof)
    except (OSError, ValueError, RuntimeError) as failure:
        print(f"\ndemo failed: {failure}", file=sys.stderr)
        return 1
    print(report(json.loads(path.read_text(encoding="utf-8"))))
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
