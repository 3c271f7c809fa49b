"""Candidates saved through the API go on in another server as they would have in the first."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected
from elect_tino.harness.server.comfy_server import ComfyServer

from .killing import all_whole, election, kill_in

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.server


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def saving(demo: dict, name: str = "day") -> dict:
    """The demo with its best two candidates saved and finished, as latents."""
    demo["elected"]["inputs"]["top_k"] = 2
    demo["candidates"]["inputs"]["candidates_per_batch"] = 1
    wires = {"candidates": ["elected", 0], "table": ["elected", 2]}
    demo["saved"] = node("SaveCandidates", **wires, name=name)
    demo["latent"] = node("SaveLatent", samples=["resumed", 0], filename_prefix="day/today")
    return demo


def loading(demo: dict, prefix: str = "day/tomorrow", **given: object) -> dict:
    """The demo's model and guidance, with candidates from the file in the sampler's place."""
    run = {name: [name, 0] for name in ("guider", "sampler", "sigmas")}
    first = ("model", "picture", "instruction", "empty", "conditions", *run)
    prompt = {name: demo[name] for name in first}
    prompt["loaded"] = node("LoadCandidates", **{"file": "newest", **run, **given})
    prompt["resumed"] = node("ResumeDenoise", candidates=["loaded", 0])
    prompt["latent"] = node("SaveLatent", samples=["resumed", 0], filename_prefix=prefix)
    prompt["shown"] = node("PreviewImage", images=["loaded", 2])
    return prompt


def latent(base: Path, prefix: str) -> torch.Tensor:
    (path,) = (base / "output" / "day").glob(f"{prefix}*.latent")
    return load_file(path)["latent_tensor"]


@pytest.mark.parametrize("sampler", ["euler_ancestral"])
def test_resuming_after_a_kill_is_bit_equal(demo: dict, tmp_path: Path, sampler: str):
    """The server is killed while the next election keeps its candidates."""
    demo["sampler"]["inputs"]["sampler_name"] = sampler
    with ComfyServer(tmp_path) as today:
        entry = today.run(saving(demo))
        kill_in(today, election(demo, 100), "kept")
    assert all_whole(tmp_path) >= 1
    (told,) = entry["outputs"]["saved"]["text"]
    assert told.startswith("day_00001_.safetensors: 2 candidates")
    with ComfyServer(tmp_path) as tomorrow:
        options = tomorrow.object_info()["LoadCandidates"]["input"]["required"]["file"]
        assert "day_00001_.safetensors" in str(options)
        entry = tomorrow.run(loading(demo, file="day_00001_.safetensors"))
    (told,) = entry["outputs"]["loaded"]["text"]
    assert "2 candidates stopped after 2 of 5 steps" in told
    assert "differs" not in told
    assert len(entry["outputs"]["shown"]["images"]) == 2
    assert entry["outputs"]["resumed"]["text"][0].startswith("6 guider calls")
    assert torch.equal(latent(tmp_path, "tomorrow"), latent(tmp_path, "today"))


def test_the_name_goes_by_wire_in_one_prompt(server: "ComfyServer", demo: dict):
    prompt = saving(demo, "wired") | loading(demo, "day/wired", saved=["saved", 0])
    entry = server.run(prompt)
    assert entry["outputs"]["loaded"]["text"][0].startswith("wired_00001_.safetensors: 2 cand")


REFUSED = {
    "a name that climbs": (
        lambda demo: saving(demo, "../x"),
        "name: expected a name below output/elect",
    ),
    "a file that is not there": (
        lambda demo: loading(demo, file="none.safetensors"),
        "file: 'none.safetensors' is not in output/elect",
    ),
    "a file that climbs": (
        lambda demo: loading(demo, file="../../input/x.safetensors"),
        "file: expected a name below output/elect",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_names_are_refused_before_anything_runs(
    server: "ComfyServer", demo: dict, make: "Callable[[dict], dict]", message: str
):
    with pytest.raises(PromptRejected, match=message):
        server.run(make(demo))


def test_another_schedule_is_refused_by_name(server: "ComfyServer", demo: dict):
    server.run(saving(demo, "other"))
    demo["sigmas"]["inputs"]["steps"] = 6
    with pytest.raises(ExecutionFailed, match=r"sigmas: 6 steps .* the candidates ran 5 steps"):
        server.run(loading(demo))
    demo["sigmas"]["inputs"]["steps"] = 5
    demo["instruction"]["inputs"] = {"clip": ["model", 1], "text": "turn the star red"}
    with pytest.raises(ExecutionFailed, match="guider: its conditioning is not what"):
        server.run(loading(demo))


def test_a_file_that_is_no_tensors_is_refused(server: "ComfyServer", demo: dict):
    folder = server.base / "output" / "elect"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bad.safetensors").write_bytes(b"\x80\x04.")
    with pytest.raises(PromptRejected, match="file: bad.safetensors is no whole safetensors"):
        server.run(loading(demo, file="bad.safetensors"))
    (folder / "bad.safetensors").unlink()


def test_the_example_workflow_saves_loads_and_finishes(
    server: "ComfyServer", small: "Callable[[str], dict]"
):
    prompt = small("elect_save_and_resume")
    entry = server.run(prompt)
    (loaded,) = [key for key, one in prompt.items() if one["class_type"] == "LoadCandidates"]
    assert "2 candidates stopped" in entry["outputs"][loaded]["text"][0]
    (files,) = [out["images"] for key, out in entry["outputs"].items() if "edited" in str(out)]
    assert len(files) == 2


def test_the_example_workflow_goes_on_another_day(
    server: "ComfyServer", small: "Callable[[str], dict]"
):
    """Muted nodes and their wires are gone from the prompt; the newest file is taken."""
    prompt = small("elect_save_and_resume")
    server.run(prompt)
    today = {"MultiSeedPartialSampler", "TweedieEstimate", "RelevanceMapAggregate", "BISSelect"}
    muted = {k for k, one in prompt.items() if one["class_type"] in {*today, "SaveCandidates"}}
    left = {key: one for key, one in prompt.items() if key not in muted}
    for one in left.values():
        wires = one["inputs"].items()
        one["inputs"] = {k: v for k, v in wires if not (isinstance(v, list) and v[0] in muted)}
    entry = server.run(left)
    assert any("edited" in str(out) for out in entry["outputs"].values())
