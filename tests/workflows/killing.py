"""Kill ComfyUI in the middle of a run, and look at what it has left."""

from pathlib import Path
from typing import TYPE_CHECKING

from elect_tino.tensor_files import read_tensor_file

from .every_way import node

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer
    from elect_tino.harness.server.events import Event


def election(demo: dict, seed: int) -> dict:
    """The demo with its candidates kept in a file and its table in another."""
    prompt = {name: {**one, "inputs": dict(one["inputs"])} for name, one in demo.items()}
    prompt["candidates"]["inputs"] |= {"first_seed": seed, "candidates_per_batch": 1}
    prompt["elected"]["inputs"]["csv_prefix"] = "elect/table"
    prompt["kept"] = node("SaveCandidates", candidates=["candidates", 0], name="kept")
    return prompt


def kill_in(server: "ComfyServer", prompt: dict, where: str) -> None:
    """Queue it, and kill the server as soon as that node has begun."""
    server.submit(prompt)

    def begun(event: "Event") -> bool:
        return event.type == "executing" and event.node == where

    server.events.wait_for(begun, 120)
    assert server.process is not None
    server.process.kill()
    server.process.wait()


def all_whole(base: Path) -> int:
    """How many files lie below output/elect; each of them is whole."""
    files = [one for one in (base / "output" / "elect").rglob("*") if one.is_file()]
    for one in files:
        if one.suffix == ".safetensors":
            assert read_tensor_file(one, "file", "Again.").tensors
        else:
            assert one.suffix == ".csv"
            assert one.read_text().startswith("rank,")
    return len(files)
