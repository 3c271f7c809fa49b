"""How long a click on another candidate takes, until the first of its remaining steps is done."""

import statistics
import time

from ..harness.server.client import ComfyClient
from ..harness.server.comfy_server import ComfyServer
from ..harness.workflows.summary import election_of, nodes_of
from ..harness.workflows.workflow import DEMO, load_workflow, to_prompt

CANDIDATES = 64
"""A choice among so many is what the gallery is made for."""


def demo_of(client: ComfyClient, num_candidates: int) -> dict:
    """The demo's prompt with so many candidates."""
    prompt = to_prompt(load_workflow(DEMO), client.object_info())
    ((_, node),) = nodes_of(prompt, "MultiSeedPartialSampler")
    node["inputs"]["num_candidates"] = num_candidates
    return prompt


def click(client: ComfyClient, prompt: dict, seed: int) -> float:
    """Seconds from queueing the choice of a seed to the end of the first step that it resumes."""
    ((chooser, node),) = nodes_of(prompt, "BISSelect")
    ((finisher, _),) = nodes_of(prompt, "ResumeDenoise")
    mark = client.events.mark()
    chosen = {**prompt, chooser: {**node, "inputs": {**node["inputs"], "pick_seeds": str(seed)}}}
    begin = time.perf_counter()
    prompt_id = client.submit(chosen)
    client.events.wait_for(
        lambda event: event.type == "progress" and event.node == finisher, timeout=120, mark=mark
    )
    seconds = time.perf_counter() - begin
    client.wait(prompt_id)
    return seconds


def clicks(client: ComfyClient, num_candidates: int, repeats: int = 5) -> list[float]:
    """Seconds of so many clicks, each on another candidate, after one run of the demo."""
    prompt = demo_of(client, num_candidates)
    election = election_of(prompt, client.run(prompt))
    others = [election["seeds"][index] for index in election["order"][1 : repeats + 1]]
    return [click(client, prompt, seed) for seed in others]


def clicked(num_candidates: int = CANDIDATES) -> str:
    """Measured on a server of its own: a sentence for the page."""
    with ComfyServer() as server:
        seconds = clicks(server, num_candidates)
    middle, worst = statistics.median(seconds), max(seconds)
    return (
        f"{middle:.2f} s (slowest of {len(seconds)}: {worst:.2f} s) from the choice of another of "
        f"{num_candidates} candidates to its first resumed step"
    )
