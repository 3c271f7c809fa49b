"""Several servers: one job in flight each, the freest first, what fails tried again elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from .jobs import Failed, Job, JobFailed, Made, ServerLost, Unusable

TURN_SECONDS = 0.2
ASK_SECONDS = 2.0
REST_SECONDS = 5.0
POISON = 3
"""A job that was on so many servers when they were lost is not handed to another."""


Outcome = tuple[Job, Made | Failed]


class Server(Protocol):
    """What the fleet asks of a server.

    `load` and `run` raise ServerLost, `run` also JobFailed and Unusable.
    """

    name: str

    def load(self) -> int: ...
    def run(self, job: Job) -> Made: ...
    def stop(self) -> None: ...


class AllServersLost(RuntimeError):
    """No server has answered for as long as the fleet waits."""


@dataclass(eq=False)
class Task:
    """A job on its way: servers it failed on, and how many were lost under it."""

    job: Job
    tried: list[str] = field(default_factory=list)
    losses: int = 0
    why: str = ""


@dataclass(eq=False)
class Fleet:
    """Works jobs off. One thread a server, which asks how busy it is and then runs one job.

    tries: on how many servers a job may fail (on one server: how often)
    patience: seconds without any server that answers, until AllServersLost
    """

    servers: Sequence[Server]
    tries: int = 2
    patience: float = 600
    rest: float = REST_SECONDS
    _ready: dict[str, int] = field(default_factory=dict)
    _asked: dict[Future, tuple[Server, float]] = field(default_factory=dict)
    _running: dict[Future, tuple[Server, Task]] = field(default_factory=dict)
    _resting: dict[str, float] = field(default_factory=dict)
    _why: dict[str, str] = field(default_factory=dict)
    _again: deque[Task] = field(default_factory=deque)

    def work_off(self, jobs: Iterator[Job]) -> Iterator[Outcome]:
        """What comes of each job, as it comes. Raises AllServersLost."""
        source = Source(jobs)
        pool = ThreadPoolExecutor(2 * len(self.servers))
        try:
            for server in self.servers:
                self._ask(pool, server)
            heard = time.monotonic()
            while self._running or self._again or not source.empty:
                yield from self._listen(pool)
                self._hand_out(pool, source)
                if self._ready or self._running:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.patience:
                    told = (f"{s.name} ({self._why.get(s.name, '?')})" for s in self.servers)
                    raise AllServersLost(f"no server answers: {', '.join(told)}. Run it again.")
        finally:
            for server in self.servers:
                server.stop()
            pool.shutdown(cancel_futures=True)

    def _listen(self, pool: ThreadPoolExecutor) -> Iterator[Outcome]:
        """What has ended by now, or in the next fifth of a second."""
        waiting = [*self._asked, *self._running]
        if not waiting:
            time.sleep(TURN_SECONDS)
        done, _ = wait(waiting, TURN_SECONDS, FIRST_COMPLETED)
        for future in done & self._asked.keys():
            self._hear(future)
        for future in done & self._running.keys():
            yield from self._settle(pool, future)
        for server in self.servers:
            if self._resting.get(server.name, float("inf")) < time.monotonic():
                del self._resting[server.name]
                self._ask(pool, server)

    def _ask(self, pool: ThreadPoolExecutor, server: Server) -> None:
        self._asked[pool.submit(server.load)] = server, time.monotonic()

    def _hear(self, future: Future) -> None:
        """A server's answer to how busy it is; without one it rests."""
        server, _ = self._asked.pop(future)
        try:
            self._ready[server.name] = future.result()
        except ServerLost as lost:
            self._resting[server.name] = time.monotonic() + self.rest
            self._why[server.name] = str(lost)

    def _settle(self, pool: ThreadPoolExecutor, future: Future) -> Iterator[Outcome]:
        """A job that has ended: out with it, or once more."""
        server, task = self._running.pop(future)
        try:
            made = future.result()
        except ServerLost as lost:
            self._resting[server.name] = time.monotonic() + self.rest
            task.losses, task.why = task.losses + 1, str(lost)
        except Unusable as error:
            self._ask(pool, server)
            yield task.job, Failed(str(error), ())
            return
        except (JobFailed, OSError, ValueError) as error:
            self._ask(pool, server)
            task.tried.append(server.name)
            task.why = str(error)
        else:
            self._ask(pool, server)
            yield task.job, made
            return
        if len(task.tried) >= self.tries or task.losses >= POISON:
            yield task.job, Failed(task.why, tuple(task.tried))
        else:
            self._again.append(task)

    def _hand_out(self, pool: ThreadPoolExecutor, source: Source) -> None:
        """A job to every server that waits, the freest first, once all have said how busy."""
        now = time.monotonic()
        if any(now - asked < ASK_SECONDS for _, asked in self._asked.values()):
            return
        for server in sorted(self.servers, key=lambda one: self._ready.get(one.name, 0)):
            task = self._task_for(server, source) if server.name in self._ready else None
            if task is not None:
                del self._ready[server.name]
                self._running[pool.submit(server.run, task.job)] = server, task

    def _task_for(self, server: Server, source: Source) -> Task | None:
        """What failed elsewhere, a new job, or what failed here if there is nowhere else."""
        elsewhere = next((t for t in self._again if server.name not in t.tried), None)
        if elsewhere is not None:
            self._again.remove(elsewhere)
            return elsewhere
        job = source.next()
        if job is not None:
            return Task(job)
        alive = {one.name for one in self.servers} - self._resting.keys()
        here = next((t for t in self._again if alive <= set(t.tried)), None)
        if here is not None:
            self._again.remove(here)
        return here


class Source:
    """Jobs one at a time: the next is made when a server is free for it."""

    def __init__(self, jobs: Iterator[Job]) -> None:
        self._jobs = jobs
        self.empty = False

    def next(self) -> Job | None:
        job = next(self._jobs, None)
        self.empty = job is None
        return job
