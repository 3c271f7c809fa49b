"""The same work over a real Ray cluster on this machine: nodes and servers lost in the middle."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from elect_tino.batch.__main__ import main
from elect_tino.evaluation import world
from elect_tino.evaluation.ledger import Ledger

from .greys import (
    INVERT,
    Line,
    arguments,
    check_all,
    fill,
    loses_nothing,
    records,
)

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytest.importorskip("ray")
pytestmark = pytest.mark.server
SMALL = {"include_dashboard": False, "num_cpus": 1, "object_store_memory": 80 * 2**20}
HERE = {"node_ip_address": "127.0.0.2"}
"""This machine alone; for 127.0.0.1 Ray would take the machine's address in the network."""
NUMBER = 120
"""Pictures: enough to find both servers at work before the last of them."""

MakeCluster = Callable[..., Any]


@pytest.fixture
def make_cluster() -> Iterator[MakeCluster]:
    """A head and nodes that have what is given (resources, say), or a head alone that has it."""
    utils: Any = pytest.importorskip("ray.cluster_utils")
    made: list[Any] = []

    def make(nodes: int = 2, **given: object) -> Any:
        own = {} if nodes else given
        cluster = utils.Cluster(initialize_head=True, head_node_args={**SMALL, **HERE, **own})
        made.append(cluster)
        for _ in range(nodes):
            cluster.add_node(**SMALL, **HERE, **given)
        cluster.wait_for_nodes()
        return cluster

    yield make
    for cluster in made:
        cluster.shutdown()


def wait_for_both(lines: list[Line]) -> None:
    """Until each has something in the book: nothing says which of two actors starts first."""
    for line in lines:
        line.wait_for_pictures(2)


def lose(cluster: Any, number: int) -> None:
    """Kill so many of its nodes; never the head."""
    for node in list(cluster.worker_nodes)[:number]:
        cluster.remove_node(node, allow_graceful=False)


def test_a_lost_nodes_picture_is_made_on_another(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    """Each node has a ComfyUI of its own, and keeps it to one actor."""
    cluster, lines = make_cluster(resources={"comfyui": 1}), [Line(server.port), Line(server.port)]
    fill(tmp_path, NUMBER)

    def lose_one() -> None:
        wait_for_both(lines)
        lose(cluster, 1)

    loses_nothing(tmp_path, [one.url for one in lines], lose_one, "--ray", cluster.address)
    for line in lines:
        line.cut()


@pytest.mark.slow
def test_a_server_killed_on_its_node_loses_nothing(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    from elect_tino.harness.server.comfy_server import ComfyServer

    cluster = make_cluster(resources={"comfyui": 1})
    fill(tmp_path, NUMBER)
    with ComfyServer(extra_args=("--disable-all-custom-nodes",)) as second:
        lines = [Line(server.port), Line(second.port)]

        def kill() -> None:
            wait_for_both(lines)
            assert second.process is not None
            second.process.kill()
            lines[1].cut()

        loses_nothing(tmp_path, [one.url for one in lines], kill, "--ray", cluster.address)
    lines[0].cut()


@pytest.mark.slow
def test_an_actor_whose_node_is_lost_works_on_elsewhere(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    """Any node reaches all servers: both work on after the loss, as many as there were."""
    cluster, lines = make_cluster(), [Line(server.port), Line(server.port)]
    folder, urls = fill(tmp_path, 160), [line.url for line in lines]
    command = [sys.executable, "-m", "elect_tino.batch", *arguments(folder, *urls)]
    running = subprocess.Popen([*command, "--ray", cluster.address])
    try:
        for line in lines:
            line.wait_for_work()
        lose(cluster, 2)  # of three, over which two actors are spread: one of them at least
        before = [line.passed for line in lines]
        assert running.wait(300) == 0
    finally:
        running.kill()
        running.wait()
    check_all(folder)
    for line, passed in zip(lines, before, strict=True):
        assert line.passed > passed + 8000
        line.cut()


def told_workflow(folder: Path) -> str:
    """A method for `evaluate run`: inverts, and takes an instruction that it does not need."""
    note = {"class_type": "PreviewAny", "inputs": {"source": "{instruction}"}}
    (folder / "invert.json").write_text(json.dumps({**INVERT, "4": note}))
    return f"inverse={folder / 'invert.json'}"


def evaluation(*told: str) -> "subprocess.Popen[bytes]":
    """The command, in a process of its own: one process is of one cluster."""
    command = [sys.executable, "-m", "elect_tino.evaluation", "run", *told, "--page", "0"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


@pytest.mark.slow
def test_an_evaluation_goes_on_when_a_server_of_its_cluster_is_killed(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    """Every sample is run once and measured once, by what the surviving server made too."""
    from elect_tino.harness.server.comfy_server import ComfyServer

    cluster = make_cluster(nodes=0, resources={"comfyui": 2})
    told = ["world:60", "--method", told_workflow(tmp_path), "--ray", cluster.address]
    with ComfyServer(extra_args=("--disable-all-custom-nodes",)) as second:
        line = Line(second.port)
        urls = ["--server", server.url, "--server", line.url]
        running = evaluation(*told, *urls, "--out", str(tmp_path / "out"))
        try:
            line.wait_for_pictures(3)
            assert second.process is not None
            second.process.kill()
            line.cut()
            assert running.wait(300) == 0
        finally:
            running.kill()
            running.wait()
    made = records(tmp_path, "runs")
    assert sorted(sample for sample, _ in made) == [one.name for one in world.read(60)]
    assert {where.split()[0] for _, where in made} == {server.url, line.url}
    told_of = Ledger(tmp_path / "out" / "ledger.jsonl").records
    for one in world.read(60):
        expected = np.abs((255.0 - one.source) - one.target).mean() / 255
        assert told_of[one.name, "inverse"]["L1"] == pytest.approx(expected, abs=1 / 255)


def test_a_turn_made_on_one_server_is_the_source_of_the_next_on_any(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    """Inverted twice, every session's first source is there again."""
    firsts = list(world.read(4))
    turn = {"instruction": "x", "mask": "none.png", "input": "in.png", "output": "in.png"}
    for number, one in enumerate(firsts):
        (tmp_path / "images" / str(number)).mkdir(parents=True)
        Image.fromarray(one.source).save(tmp_path / "images" / str(number) / "in.png")
    sessions = {str(number): [turn, turn] for number in range(len(firsts))}
    (tmp_path / "edit_turns.json").write_text(json.dumps(sessions))
    cluster, line = make_cluster(nodes=0, resources={"comfyui": 2}), Line(server.port)
    told = [f"magicbrush-iterative:{tmp_path}", "--method", told_workflow(tmp_path)]
    urls = ["--server", server.url, "--server", line.url]
    told += ["--ray", cluster.address, *urls, "--out", str(tmp_path / "out")]
    assert evaluation(*told).wait(300) == 0
    for number, one in enumerate(firsts):
        with Image.open(tmp_path / f"out/runs/inverse/{number}_iter_2.png") as image:
            twice = np.asarray(image.convert("RGB")).astype(int)
        assert np.abs(twice - one.source).max() <= 2
    line.cut()


def test_without_a_cluster_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture):
    fill(tmp_path, 1)
    assert main([*arguments(tmp_path, "http://127.0.0.1:9"), "--ray", "127.0.0.1:9"]) == 2
    assert "--ray: no cluster at 127.0.0.1:9" in capsys.readouterr().err
