"""The same work over a real Ray cluster on this machine: nodes and servers lost in the middle."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from elect_tino.batch.__main__ import main

from .greys import Line, arguments, check_all, fill, loses_nothing

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytest.importorskip("ray")
pytestmark = pytest.mark.server
SMALL = {"include_dashboard": False, "num_cpus": 1, "object_store_memory": 80 * 2**20}
HERE = {"node_ip_address": "127.0.0.2"}
"""This machine alone; for 127.0.0.1 Ray would take the machine's address in the network."""

MakeCluster = Callable[..., Any]


@pytest.fixture
def make_cluster() -> Iterator[MakeCluster]:
    """A head and two nodes, which have what is given (resources, for example)."""
    utils: Any = pytest.importorskip("ray.cluster_utils")
    made: list[Any] = []

    def make(**given: object) -> Any:
        cluster = utils.Cluster(initialize_head=True, head_node_args={**SMALL, **HERE})
        made.append(cluster)
        for _ in range(2):
            cluster.add_node(**SMALL, **HERE, **given)
        cluster.wait_for_nodes()
        return cluster

    yield make
    for cluster in made:
        cluster.shutdown()


def lose(cluster: Any, number: int) -> None:
    """Kill so many of its nodes; never the head."""
    for node in list(cluster.worker_nodes)[:number]:
        cluster.remove_node(node, allow_graceful=False)


def test_a_lost_nodes_picture_is_made_on_another(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    """Each node has a ComfyUI of its own, and keeps it to one actor."""
    cluster, line = make_cluster(resources={"comfyui": 1}), Line(server.port)
    fill(tmp_path, 60)

    def lose_one() -> None:
        line.wait_for_work()
        lose(cluster, 1)

    loses_nothing(tmp_path, [server.url, line.url], lose_one, "--ray", cluster.address)
    line.cut()


@pytest.mark.slow
def test_a_server_killed_on_its_node_loses_nothing(
    server: "ComfyServer", tmp_path: Path, make_cluster: MakeCluster
):
    from elect_tino.harness.server.comfy_server import ComfyServer

    cluster = make_cluster(resources={"comfyui": 1})
    fill(tmp_path, 60)
    with ComfyServer(extra_args=("--disable-all-custom-nodes",)) as second:
        line = Line(second.port)

        def kill() -> None:
            line.wait_for_work()
            assert second.process is not None
            second.process.kill()
            line.cut()

        loses_nothing(tmp_path, [server.url, line.url], kill, "--ray", cluster.address)


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


def test_without_a_cluster_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture):
    fill(tmp_path, 1)
    assert main([*arguments(tmp_path, "http://127.0.0.1:9"), "--ray", "127.0.0.1:9"]) == 2
    assert "--ray: no cluster at 127.0.0.1:9" in capsys.readouterr().err
