"""TiNO-Edit through the real server: the five workflows, previews, Cancel, chains."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
from PIL import Image

from elect_tino.embedded.world.examples import load_example
from elect_tino.harness.server.client import ExecutionInterrupted
from elect_tino.harness.workflows.recipes.parts import EXAMPLE
from elect_tino.harness.workflows.recipes.tino import TINO_RECIPES
from elect_tino.harness.workflows.summary import shown_images

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

NAMES = sorted(make().name for make in TINO_RECIPES)
MB = 2**20


def picture(server: "ComfyServer", file: dict) -> np.ndarray:
    with Image.open(BytesIO(server.view(file))) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def saved(server: "ComfyServer", prompt: dict, entry: dict) -> dict[str, np.ndarray]:
    """Last part of the filename prefix, or title -> picture."""
    files = shown_images(prompt, entry)
    return {name.split("/")[-1]: picture(server, file) for name, file in files.items()}


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


@pytest.mark.parametrize("name", NAMES)
def test_runs_and_saves_the_edit(name: str, server: "ComfyServer", small: Callable[[str], dict]):
    prompt = small(name)
    shown = saved(server, prompt, server.run(prompt))
    assert shown["edited"].shape == (128, 128, 3)
    assert shown["edited"].std() > 0.05
    assert shown["Loss curve"].std() > 0.01


def test_only_the_masked_part_changes(server: "ComfyServer", tino: dict):
    """Outside the mask the edit is the decoded encoding of the source."""
    tino["plain"] = node("VAEDecode", samples=["source", 0], vae=["model", 2])
    tino["save plain"] = node("SaveImage", images=["plain", 0], filename_prefix="tino/plain")
    shown = saved(server, tino, server.run(tino))
    change = np.abs(shown["edited"] - shown["plain"]).max(-1)
    mask = load_example(EXAMPLE).mask
    rows, columns = np.nonzero(mask)
    far = np.ones_like(mask, dtype=bool)  # the decoder sees beyond its cell
    far[
        max(0, rows.min() - 48) : rows.max() + 48, max(0, columns.min() - 48) : columns.max() + 48
    ] = False
    assert change[far].max() < 0.02
    assert change[mask > 0].mean() > 0.02


def test_every_iteration_shows_a_picture_a_loss_and_progress(server: "ComfyServer", tino: dict):
    tino["tino"]["inputs"] |= {"iterations": 3, "seed": 77}
    mark = server.events.mark()
    server.run(tino)
    events = server.events.since(mark)
    progress = [e.data for e in events if e.type == "progress" and e.node == "tino"]
    assert [p["value"] for p in progress] == [1, 2, 3, 4, 4]  # and once more at the end
    previews = [e for e in events if e.type == "preview" and e.node == "tino"]
    assert previews
    Image.open(BytesIO(previews[-1].image)).verify()
    lines = [e.data["text"] for e in events if e.type == "text" and e.node == "tino"]
    assert [line.split(",")[0] for line in lines] == [f"iteration {i} of 3" for i in range(4)]
    losses = [line.splitlines()[0].split("loss ")[1] for line in lines]
    assert all(float(loss) >= 0 for loss in losses)
    assert all("This loss prefers no edit" in line for line in lines)  # the paper's weights, here


def test_cancel_leaves_the_server_and_the_model_as_they_were(server: "ComfyServer", tino: dict):
    tino["plain"] = node(
        "KSampler",
        model=["model", 0],
        positive=["positive", 0],
        negative=["positive", 0],
        latent_image=["source", 0],
        seed=5,
        steps=3,
        cfg=1.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=0.8,
    )
    tino["plain decoded"] = node("VAEDecode", samples=["plain", 0], vae=["model", 2])
    tino["save plain"] = node(
        "SaveImage", images=["plain decoded", 0], filename_prefix="tino/plain"
    )
    before = saved(server, tino, server.run(tino))["plain"]
    endless = {key: {**one, "inputs": dict(one["inputs"])} for key, one in tino.items()}
    endless["tino"]["inputs"] |= {"iterations": 1000, "seed": 123}
    process = psutil.Process(server.process.pid)
    held = process.memory_info().rss
    prompt_id = server.submit(endless)
    server.events.wait_for(
        lambda event: (
            event.type == "progress"
            and event.prompt_id == prompt_id
            and event.node == "tino"
            and event.data["value"] >= 3
        )
    )
    server.interrupt()
    with pytest.raises(ExecutionInterrupted) as info:
        server.wait(prompt_id, timeout=30)
    assert info.value.node_id == "tino"
    tino["plain"]["inputs"]["seed"] = 6  # so that it runs again ...
    server.run(tino)
    tino["plain"]["inputs"]["seed"] = 5
    tino["plain"]["inputs"]["latent_image"] = ["copy", 0]  # ... and is not read from the cache
    tino["copy"] = node("LatentMultiply", samples=["source", 0], multiplier=1.0)
    assert np.array_equal(saved(server, tino, server.run(tino))["plain"], before)
    assert process.memory_info().rss < held + 200 * MB


def test_stop_puts_out_the_best_so_far_and_the_run_is_a_success(server: "ComfyServer", tino: dict):
    """What is put out after a stop at iteration n is what a run of n iterations gives."""
    assert server.post("/tino/stop", {}).json() == {"stopped": []}
    tino["tino"]["inputs"] |= {"iterations": 1000, "seed": 321}
    prompt_id = server.submit(tino)
    server.events.wait_for(
        lambda event: (
            event.type == "progress" and event.prompt_id == prompt_id and event.data["value"] >= 3
        )
    )
    assert server.post("/tino/stop", {}).json() == {"stopped": ["tino"]}
    entry = server.wait(prompt_id, timeout=60)
    (text,) = entry["outputs"]["tino"]["text"]
    last = int(text.split("Stopped at iteration ")[1].split(";")[0])
    assert 2 <= last < 1000
    stopped = saved(server, tino, entry)["edited"]
    assert server.post("/tino/stop", {}).json() == {"stopped": []}
    tino["tino"]["inputs"]["iterations"] = last
    assert np.array_equal(saved(server, tino, server.run(tino))["edited"], stopped)


def test_it_follows_elect(server: "ComfyServer", demo: dict, object_info: dict):
    """The finished picture of an election is the source of an optimisation."""
    required = object_info["TiNOOptimize"]["input"]["required"]
    defaults = {
        name: spec[1]["default"]
        for name, spec in required.items()
        if len(spec) > 1 and "default" in spec[1]
    }
    demo["latent_vgg"] = node("LatentVGGLoader", name="embedded (the tiny model's)")
    wires = {
        "model": ["model", 0],
        "positive": ["conditions", 0],
        "source": ["resumed", 0],
        "latent_vgg": ["latent_vgg", 0],
    }
    small = {"iterations": 1, "num_steps": 2}
    demo["tino"] = node("TiNOOptimize", **{**defaults, **wires, **small})
    demo["after"] = node("VAEDecode", samples=["tino", 0], vae=["model", 2])
    demo["save after"] = node("SaveImage", images=["after", 0], filename_prefix="tino/after")
    assert saved(server, demo, server.run(demo))["after"].shape == (128, 128, 3)


def test_the_found_noise_and_sigmas_feed_an_ordinary_sampler(server: "ComfyServer", tino: dict):
    tino["guider"] = node("BasicGuider", model=["model", 0], conditioning=["positive", 0])
    tino["euler"] = node("KSamplerSelect", sampler_name="euler")
    tino["again"] = node(
        "SamplerCustomAdvanced",
        noise=["tino", 1],
        guider=["guider", 0],
        sampler=["euler", 0],
        sigmas=["tino", 4],
        latent_image=["source", 0],
    )
    tino["again decoded"] = node("VAEDecode", samples=["again", 0], vae=["model", 2])
    tino["save again"] = node(
        "SaveImage", images=["again decoded", 0], filename_prefix="tino/again"
    )
    assert saved(server, tino, server.run(tino))["again"].std() > 0.05


def test_a_word_from_the_embeddings_folder_reaches_picture_and_loss(
    server: "ComfyServer", tino: dict
):
    """A textual-inversion file with the vector of a known word acts exactly as that word."""
    from safetensors.torch import load_file, save_file

    from elect_tino.embedded.model.comfyui import WEIGHTS
    from elect_tino.embedded.model.text import word_ids

    folder = server.base / "models" / "embeddings"
    folder.mkdir(parents=True, exist_ok=True)
    words = load_file(WEIGHTS / "text_encoder.safetensors")
    vectors = words["text_model.embeddings.token_embedding.weight"].float()
    (number,) = word_ids("pink")
    save_file({"emb_params": vectors[number][None].clone()}, folder / "rosy.safetensors")

    def edited(colour: str) -> tuple[np.ndarray, np.ndarray]:
        tino["target"]["inputs"]["value"] = f"a blue star and a {colour} triangle on a photo"
        shown = saved(server, tino, server.run(tino))
        return shown["edited"], shown["Loss curve"]

    learnt, known, other = edited("embedding:rosy"), edited("pink"), edited("green")
    assert np.array_equal(learnt[0], known[0])
    assert np.array_equal(learnt[1], known[1])
    assert not np.array_equal(other[0], known[0])
    assert not np.array_equal(other[1], known[1])
