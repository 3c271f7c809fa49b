"""The fleet's order, with servers that run as a test wants; real ones are in test_servers."""

import threading

import pytest

from elect_tino.batch.fleet import AllServersLost, Fleet
from elect_tino.batch.jobs import Failed, Job, JobFailed, Made, ServerLost, Unusable
from elect_tino.batch.places import Places

NOWHERE = Places({})


def job(name: str) -> Job:
    return Job(name, "m", NOWHERE)


class Hand:
    """A server: `does` a job's name, or raises; `busy` is what others have queued there."""

    def __init__(self, name, does=lambda sample: None, busy=0, answers=True):
        self.name, self.does, self.busy, self.answers = name, does, busy, answers
        self.ran: list[str] = []
        self.stopped = threading.Event()

    def load(self) -> int:
        if not self.answers:
            raise ServerLost("gone")
        return self.busy

    def run(self, job: Job) -> Made:
        self.ran.append(job.sample)
        self.does(job.sample)
        return Made((), {}, 0.0, self.name)

    def stop(self) -> None:
        self.stopped.set()


def fails(*samples):
    def does(sample):
        if sample in samples:
            raise JobFailed("no")

    return does


def outcomes(fleet: Fleet, *names: str) -> dict:
    return {done.sample: outcome for done, outcome in fleet.work_off(map(job, names))}


def test_everything_comes_once():
    hands = [Hand("a"), Hand("b")]
    names = [str(number) for number in range(40)]
    assert sorted(outcomes(Fleet(hands), *names)) == sorted(names)
    assert sorted(hands[0].ran + hands[1].ran) == sorted(names)


def test_the_freest_goes_first():
    hands = [Hand("a", busy=3), Hand("b", busy=1), Hand("c", busy=2)]
    found = outcomes(Fleet(hands), "only")
    assert found["only"].server == "b"


def test_what_fails_is_tried_elsewhere_and_then_given_up():
    hands = [Hand("a", fails("x", "y")), Hand("b", fails("y"))]
    found = outcomes(Fleet(hands), "x", "y", "z")
    assert found["x"].server == "b"
    assert found["y"].why == "no"
    assert sorted(found["y"].servers) == ["a", "b"]
    assert isinstance(found["z"], Made)


def test_what_no_server_can_do_is_given_up_at_once():
    def does(sample):
        if sample == "b":
            raise Unusable("b.png: it is no picture")

    hands = [Hand("x", does), Hand("y", does)]
    done = outcomes(Fleet(hands, tries=2), *"abc")
    assert done["b"] == Failed("b.png: it is no picture", ())
    assert isinstance(done["c"], Made)
    assert [sample for hand in hands for sample in hand.ran].count("b") == 1


def test_alone_a_server_tries_again_itself():
    alone = Hand("a", fails("x"))
    assert outcomes(Fleet([alone], tries=3), "x")["x"] == Failed("no", ("a", "a", "a"))
    assert alone.ran == ["x", "x", "x"]


def test_a_lost_servers_job_is_done_by_another_and_is_no_failure():
    def dies(sample):
        first.answers = False
        raise ServerLost("died")

    first = Hand("a", dies)
    second = Hand("b", busy=1)
    found = outcomes(Fleet([first, second], tries=1), *"xyz")
    assert all(isinstance(one, Made) for one in found.values())
    assert sorted(second.ran) == ["x", "y", "z"]


def test_a_server_that_comes_back_works_on():
    turns = iter(range(10))

    def once(sample):
        if next(turns) == 0:
            raise ServerLost("restarting")

    assert isinstance(outcomes(Fleet([Hand("a", once)], rest=0.01), "x")["x"], Made)


def test_a_job_that_takes_servers_with_it_is_given_up():
    def dies(sample):
        if sample == "poison":
            raise ServerLost("died")

    found = outcomes(Fleet([Hand("a", dies)], rest=0.01), "poison", "x")
    assert found["poison"].why == "died"
    assert isinstance(found["x"], Made)


def test_without_any_server_it_says_so():
    with pytest.raises(AllServersLost, match="no server answers: a"):
        outcomes(Fleet([Hand("a", answers=False)], patience=0.1, rest=0.01), "x")


def test_leaving_early_stops_what_runs():
    started = threading.Event()

    def long(sample):
        if sample == "long":
            started.set()
            assert hands[1].stopped.wait(20)

    hands = [Hand("a"), Hand("b", long)]
    going = Fleet(hands).work_off(map(job, ["x", "long", *map(str, range(500))]))
    for _ in going:
        if started.is_set():
            break
    going.close()
    assert hands[0].stopped.is_set()
