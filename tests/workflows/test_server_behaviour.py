"""What a user's server does with the ELECT nodes: caching, interruption, previews, seeds."""

import time
from io import BytesIO
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from PIL import Image

from elect_tino.harness.server.client import ExecutionInterrupted
from elect_tino.harness.workflows.summary import election_of, saved_images

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

AFTER_THE_CHOICE = {"elected", "resumed", "decoded", "edited"}
MB = 2**20


def pixels(server: "ComfyServer", prompt: dict, entry: dict, prefix: str) -> bytes:
    """The raw pixels of the picture saved under a prefix."""
    with Image.open(BytesIO(server.view(saved_images(prompt, entry)[prefix]))) as image:
        return image.convert("RGB").tobytes()


def executed(server: "ComfyServer", prompt_id: str) -> set[str]:
    """The nodes that ran."""
    events = server.events.of_prompt(prompt_id, "executing")
    return {event.node for event in events if event.node is not None}


def cached(server: "ComfyServer", prompt_id: str) -> set[str]:
    (event,) = server.events.of_prompt(prompt_id, "execution_cached")
    return set(event.data["nodes"])


def test_another_pick_runs_only_the_choice_and_what_follows(server: "ComfyServer", demo: dict):
    first = server.run(demo)
    facts = election_of(demo, first)
    other = facts["order"][-1]
    demo["elected"]["inputs"]["pick"] = other + 1
    prompt_id = server.submit(demo)
    again = server.wait(prompt_id)
    assert executed(server, prompt_id) == AFTER_THE_CHOICE
    assert cached(server, prompt_id) == demo.keys() - AFTER_THE_CHOICE
    picked = election_of(demo, again)
    assert picked["scores"] == facts["scores"]
    assert picked["elected_seed"] == facts["seeds"][other]
    edited = "elect_demo/edited"
    assert pixels(server, demo, again, edited) != pixels(server, demo, first, edited)


def test_the_same_prompt_again_runs_nothing(server: "ComfyServer", demo: dict):
    server.run(demo)
    prompt_id = server.submit(demo)
    server.wait(prompt_id)
    assert executed(server, prompt_id) == set()


def test_previews_and_progress_cover_all_candidates(server: "ComfyServer", demo: dict):
    demo["candidates"]["inputs"] |= {"num_candidates": 4, "candidates_per_batch": 2}
    demo["candidates"]["inputs"]["first_seed"] = 100  # not cached
    mark = server.events.mark()
    prompt_id = server.submit(demo)
    server.wait(prompt_id)
    events = server.events.since(mark)
    progress = [e.data for e in events if e.type == "progress" and e.node == "candidates"]
    # 40 % of 5 steps are 2; two batches of two candidates.
    assert [p["value"] for p in progress] == [2, 4, 6, 8]
    assert {p["max"] for p in progress} == {4 * 2}
    previews = [e for e in events if e.type == "preview" and e.node == "candidates"]
    assert len(previews) >= 2
    for preview in previews:
        assert preview.image is not None
        Image.open(BytesIO(preview.image)).verify()


def memory(server: "ComfyServer") -> int:
    assert server.process is not None
    return psutil.Process(server.process.pid).memory_info().rss


def freed(server: "ComfyServer") -> float:
    """MB the server holds after /free, once its worker has acted on it."""
    server.free()
    readings = [memory(server) / MB]
    for _ in range(20):
        time.sleep(0.5)
        readings.append(memory(server) / MB)
        if len(readings) > 4 and max(readings[-3:]) - min(readings[-3:]) < 1:
            break
    return readings[-1]


def test_interruption_leaves_a_server_that_works_and_its_memory_back(
    server: "ComfyServer", demo: dict
):
    server.run(demo)
    before = freed(server)
    many = {key: {**node, "inputs": dict(node["inputs"])} for key, node in demo.items()}
    many["sigmas"]["inputs"]["steps"] = 200
    many["candidates"]["inputs"] |= {
        "num_candidates": 64,
        "stop": 1.0,
        "first_seed": 500,
        "candidates_per_batch": 16,
    }
    prompt_id = server.submit(many)
    server.events.wait_for(
        lambda event: (
            event.type == "progress"
            and event.prompt_id == prompt_id
            and event.node == "candidates"
            and event.data["value"] >= 5 * 16
        )
    )
    server.interrupt()
    with pytest.raises(ExecutionInterrupted) as info:
        server.wait(prompt_id, timeout=30)
    assert info.value.node_id == "candidates"
    demo["candidates"]["inputs"]["first_seed"] = 600
    assert election_of(demo, server.run(demo))["seeds"] == [600, 601, 602]
    assert freed(server) < before + 100


@pytest.mark.parametrize("body", [b"", b"null", b"[1", b"\xff\x00", b"x" * 100_000])
def test_the_packs_own_route_reads_nothing_of_what_it_is_sent(server: "ComfyServer", body: bytes):
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{server.url}/tino/stop", data=body, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"stopped": []})


def test_one_candidate_is_an_ordinary_run(server: "ComfyServer", demo: dict):
    demo["candidates"]["inputs"] |= {"num_candidates": 1, "first_seed": 7}
    facts = election_of(demo, server.run(demo))
    assert facts["seeds"] == [7]
    assert facts["nfe"] == facts["nfe_best_of_n"] == facts["num_steps"]


def test_the_elected_seed_fits_an_ordinary_ksampler(server: "ComfyServer", demo: dict):
    """ResumeDenoise and a KSampler with the elected seed give the same picture, bit for bit."""
    edit = {"positive": ["conditions", 0], "negative": ["conditions", 1]}
    guidance = {"model": ["model", 0], **edit, "cfg": 3.0}
    demo["guider"] = {"class_type": "CFGGuider", "inputs": guidance}
    demo["candidates"]["inputs"] |= {"candidates_per_batch": 1, "first_seed": 40}
    sampled = {"sampler_name": "euler", "scheduler": "simple", "steps": 5, "denoise": 1.0}
    latent = {"latent_image": ["conditions", 2], "seed": ["elected", 1]}
    inputs = {**guidance, **sampled, **latent}
    demo["plain"] = {"class_type": "KSampler", "inputs": inputs}
    decoded = {"samples": ["plain", 0], "vae": ["model", 2]}
    demo["plain decoded"] = {"class_type": "VAEDecode", "inputs": decoded}
    saved = {"images": ["plain decoded", 0], "filename_prefix": "plain"}
    demo["plain saved"] = {"class_type": "SaveImage", "inputs": saved}
    entry = server.run(demo)
    elected = pixels(server, demo, entry, "elect_demo/edited")
    assert elected == pixels(server, demo, entry, "plain")
