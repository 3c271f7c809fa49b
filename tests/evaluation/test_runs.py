"""Workflows over a data set on the real server, measured, shown; turns upon each other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.evaluation import magicbrush, world
from elect_tino.evaluation.__main__ import main
from elect_tino.evaluation.ledger import Ledger

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def node(class_type: str, title: str = "", **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title or class_type}}


INVERT = {
    "1": node("LoadImage", image="example.png"),
    "2": node("ImageInvert", image=["1", 0]),
    "3": node("SaveImage", images=["2", 0], filename_prefix="x"),
    "4": node("CLIPTextEncode", "Instruction", clip=["5", 1], text="x"),
    "5": node("EmbeddedModelLoader", variant="flow_mild"),
}


@pytest.fixture
def invert(tmp_path: Path) -> Path:
    """Inverts, and takes an instruction which it does not need."""
    (tmp_path / "invert.json").write_text(json.dumps(INVERT))
    return tmp_path / "invert.json"


@pytest.fixture
def elect(server: "ComfyServer", tmp_path: Path) -> Path:
    """The embedded model's election of three seeds in five steps."""
    from elect_tino.harness.workflows.recipes import parts
    from elect_tino.harness.workflows.widgets import node_inputs

    nodes = {
        "model": node("EmbeddedModelLoader", variant="flow_mild"),
        "picture": node("LoadImage", image="example.png"),
        **parts.guidance("x", parts.EMBEDDED_CFG),
        **parts.schedule("euler", 5),
        "elected": node("ELECTSampler", num_candidates=3, **parts.RUN, vae=parts.VAE),
        "decoded": node("VAEDecode", samples=("elected", 0), vae=parts.VAE),
        **parts.saved("e", overlay=False),
    }
    known = server.object_info()
    for one in nodes.values():
        widgets = [given for given in node_inputs(known[one["class_type"]]) if given.is_widget]
        one["inputs"] = {**{given.name: given.default for given in widgets}, **one["inputs"]}
    (tmp_path / "elect.json").write_text(json.dumps(nodes))
    return tmp_path / "elect.json"


def test_an_election_is_run_over_the_world_and_measured(
    server: "ComfyServer", elect: Path, invert: Path, tmp_path: Path, capsys
):
    told = ["run", "world:2", "--server", server.url, "--out", str(tmp_path / "out")]
    told += ["--method", f"three={elect}", "--method", f"one={elect},num_candidates=1"]
    told += ["--calls", "one=5"]
    assert main([*told, "--method", f"inverse={invert}"]) == 0
    ledger = Ledger(tmp_path / "out" / "ledger.jsonl")
    for one in world.read(2):
        own = ledger.records[one.name, "inverse"]
        expected = np.abs((255.0 - one.source) - one.target).mean() / 255
        assert own["L1"] == pytest.approx(expected, abs=1 / 255)
        three, single = (ledger.records[one.name, name] for name in ("three", "one"))
        assert 5 < three["calls"] < 3 * 5
        assert "calls" not in single  # only an election tells what it cost
        assert three["L1"] < own["L1"]
    shown = capsys.readouterr().out
    curve = shown.partition("By model calls, fewest first:")[2].split("\n\n")[1].splitlines()[2:]
    spent = {line.split(" | ")[0].strip("| "): float(line.split(" | ")[1]) for line in curve}
    assert list(spent) == ["no edit", "one", "one, pasted back", "three", "three, pasted back"]
    assert (spent["no edit"], spent["one"]) == (0, 5)
    calls = [ledger.records[one.name, "three"]["calls"] for one in world.read(2)]
    assert spent["three"] == spent["three, pasted back"] == pytest.approx(np.mean(calls), rel=1e-3)
    assert "VIEScore: left out, no --vlm" in shown
    rows = [line.split(" | ")[0].strip("| ") for line in shown.splitlines() if line[:2] == "| "]
    assert {"no edit", "three", "three, pasted back", "inverse, pasted back"} <= set(rows)
    page = (tmp_path / "out" / "page.html").read_text()
    assert page.count("<tr data-values=") == 2
    assert page.count("<img ") == 2 * 9
    before = (tmp_path / "out" / "ledger.jsonl").read_bytes()
    assert main([*told, "--method", f"inverse={invert}"]) == 0
    assert (tmp_path / "out" / "ledger.jsonl").read_bytes() == before


def test_a_killed_run_goes_on_with_one_record_a_sample_and_method(
    server: "ComfyServer", invert: Path, tmp_path: Path
):
    told = ["run", "world:8", "--server", server.url, "--out", str(tmp_path / "out"), "--page", "0"]
    told += ["--method", f"a={invert}", "--method", f"b={invert}"]
    running = subprocess.Popen([sys.executable, "-m", "elect_tino.evaluation", *told])
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "out").glob("runs/*/*.png"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("runs/a/t*.png")}
    assert 0 < len(made) < 8
    assert main(told) == 0
    kept = [path.stat().st_mtime_ns == then for path, then in made.items()]
    assert kept.count(False) <= 1  # the one whose record the kill may have come before
    lines = (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()
    pairs = [(json.loads(line)["sample"], json.loads(line)["method"]) for line in lines]
    assert len(pairs) == len(set(pairs)) == 8 * 5


def test_a_turn_stands_upon_the_methods_own_last_result(
    server: "ComfyServer", invert: Path, tmp_path: Path
):
    """Inverting twice gives the first source back, not the inverse of the true second."""
    one, two = world.read(2)
    pictures = tmp_path / "brush" / "images" / "7"
    pictures.mkdir(parents=True)
    for name, picture in (("in", one.source), ("out1", one.target), ("out2", two.target)):
        Image.fromarray(picture).save(pictures / f"{name}.png")
    turn = {"instruction": "x", "mask": "none.png"}
    turns = [
        {**turn, "input": "in.png", "output": "out1.png"},
        {**turn, "input": "out1.png", "output": "out2.png"},
    ]
    (tmp_path / "brush" / "edit_turns.json").write_text(json.dumps({"7": turns}))
    told = ["run", f"magicbrush-iterative:{tmp_path / 'brush'}", "--server", server.url]
    told += ["--method", f"m={invert}", "--out", str(tmp_path / "out"), "--group", "final turn"]
    assert main(told) == 0
    with Image.open(tmp_path / "out" / "runs" / "m" / "7_iter_2.png") as image:
        result = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(result - one.source).max() <= 2
    records = Ledger(tmp_path / "out" / "ledger.jsonl").records
    assert {name for name, _ in records} == {"7_iter_2"}
    inde = [sample.name for sample in magicbrush.read(tmp_path / "brush")]
    assert inde == ["7_inde_1", "7_inde_2"]
