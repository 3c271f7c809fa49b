"""Servers of a Ray cluster, one actor each, which Ray places and starts anew after a loss.

Two forms. Nodes that say `--resources '{"comfyui": 1}'` have so many ComfyUI servers of their own:
an actor goes to each, and reaches it by the node's own address. Otherwise every address gets an
actor, anywhere; when its node is lost Ray starts it on another one and makes its call again there.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..harness.server import client, events
from . import jobs, ray_worker, servers
from .jobs import Job, JobFailed, Made, ServerLost
from .ray_worker import GIVEN, LOST, Worker

RESOURCE = "comfyui"
ANSWER_SECONDS, STOP_SECONDS = 15.0, 20.0
CODE = (jobs, servers, ray_worker, client, events)
"""Modules that go to the nodes as code."""


@dataclass(eq=False)
class RayHost:
    """An actor as a server of the fleet, and raises as it does.

    actor: a `Worker` within the cluster
    """

    name: str
    actor: Any
    ray: Any

    def load(self) -> int:
        """Jobs in its server's queue, other people's."""
        return self._answer(self.actor.load.remote(), ANSWER_SECONDS)

    def run(self, job: Job) -> Made:
        """The job's pictures, which travel with it as bytes."""
        return Made(**self._answer(self.actor.run.remote(job.order), None))

    def stop(self) -> None:
        """End what runs there, and the actor."""
        with suppress(self.ray.exceptions.RayError):  # it is gone, or has no place yet
            self.ray.get(self.actor.stop.remote(), timeout=STOP_SECONDS)
        self.ray.kill(self.actor)

    def _answer(self, asked: Any, timeout: float | None) -> Any:
        try:
            kind, answer = self.ray.get(asked, timeout=timeout)
        except self.ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ServerLost(f"{self.name}: {lines[-1].strip()}") from error
        if kind != GIVEN:
            raise (ServerLost if kind == LOST else JobFailed)(answer)
        return answer


def connected(address: str) -> Any:
    """The module ray, connected to a cluster. Raises ValueError."""
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise ValueError("--ray needs the package ray: pip install 'ray>=2.40'.") from None
    if not ray.is_initialized():
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (OSError, RuntimeError, ValueError) as error:
            raise ValueError(f"--ray: no cluster at {address}: {error}") from error
    return ray


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), 10).close()


def hosts_of(address: str, urls: Sequence[str], timeout: float) -> list[RayHost]:
    """An actor for each ComfyUI of the cluster. Raises ValueError.

    urls: as the nodes reach them; timeout: seconds that a job may take
    """
    ray = connected(address)
    for module in CODE:
        ray.cloudpickle.register_pickle_by_value(module)
    own = int(ray.cluster_resources().get(RESOURCE, 0))
    # A call that is lost with a node is made again where the actor can go to another one; where
    # it cannot, because that node's own server is lost too, the fleet hands the job to another.
    again = {"max_restarts": -1, "max_task_retries": 0 if own else -1}
    place = {"resources": {RESOURCE: 1}} if own else {"scheduling_strategy": "SPREAD"}
    remote = ray.remote(Worker).options(num_cpus=0, max_concurrency=2, **again, **place)
    shares = [tuple(urls)] * own or [(url,) for url in urls]
    return [
        RayHost(f"ray {number}: {' or '.join(share)}", remote.remote(share, timeout), ray)
        for number, share in enumerate(shares, start=1)
    ]
