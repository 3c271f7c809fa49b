"""Prompts that no person would write: the server lives, says which input is wrong, and writes
nothing outside its output and temp folders.

The demo's prompt, and one of nearly every ELECT node, with up to three inputs of the pack's nodes
changed: widgets and sockets get values of every kind and size, and every input wires from any
output. A fixed set of them in every run, 10,000 with ``-m slow`` (or as many of each as ELECT_FUZZ
says; others with another ELECT_FUZZ_SEED).
"""

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected
from elect_tino.harness.server.comfy_server import PACK_LINK

from .every_way import everything

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

OWN = ("candidates", "estimates", "relevance", "elected", "resumed")
MORE = (
    *("varied", "pool", "again", "region", "otherwise", "clean"),
    *("further", "kept", "raced", "whole"),
)
SAID = {"ValueError", "PromptRejected"}
"""Errors that are meant for people."""
_FEW = {"num_candidates": 8, "steps": 40}
"""Larger values are taken down to these: the tests look for crashes, not for patience."""

values = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-3, 12),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-0.5, 1.5),
    st.booleans(),
    st.text(max_size=40),
    st.sampled_from(["", "1,2,3", "../../x", "a/../../b", "\0", "٣", "1e9", "elect/\n", "%"]),
    st.none(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@st.composite
def changes(draw: Any) -> list[tuple[int, int, Any]]:
    """Which of the pack's nodes, which of its inputs (both by a number), and what it gets."""
    number = draw(st.integers(1, 3))
    wire = st.tuples(st.just("wire"), st.integers(0, 30), st.integers(0, 5))
    one = st.tuples(st.integers(0, 30), st.integers(0, 40), st.one_of(values, wire))
    return [draw(one) for _ in range(number)]


def changed(prompt: dict, own: tuple[str, ...], object_info: dict, wanted: list) -> dict:
    """The prompt with the changes, on nodes, inputs and outputs that are there.

    own: the nodes that are changed
    """
    prompt = {name: {**one, "inputs": dict(one["inputs"])} for name, one in prompt.items()}
    sources = sorted(prompt)
    for place, number, value in wanted:
        one = prompt[own[place % len(own)]]
        info = object_info[one["class_type"]]["input"]
        names = [*info.get("required", {}), *info.get("optional", {})]
        name = names[number % len(names)]
        if isinstance(value, tuple):
            source = sources[value[1] % len(sources)]
            outputs = object_info[prompt[source]["class_type"]]["output"]
            value = [source, value[2] % max(1, len(outputs))]
        if name in _FEW and isinstance(value, int | float) and value > _FEW[name]:
            value = _FEW[name]
        one["inputs"][name] = value
    return prompt


def outside(server: "ComfyServer") -> set[str]:
    """Files of the server's folder that no run may add to, and of the folder above it."""
    kept = {"output", "temp", "user", "server.log"}
    tops = [p for p in server.base.iterdir() if p.name not in kept and not p.is_symlink()]
    inner = {str(p) for top in tops for p in top.rglob("*") if PACK_LINK not in p.parts}
    return inner | {str(p) for p in server.base.parent.iterdir()}


def run_one(
    server: "ComfyServer", whole: dict, own: tuple[str, ...], object_info: dict, wanted: list
) -> None:
    prompt = changed(whole, own, object_info, wanted)
    before = outside(server)
    try:
        server.run(prompt, timeout=120)
    except PromptRejected:
        pass
    except ExecutionFailed as failed:
        error = failed.data
        ours = str(error.get("node_type", "")) in {whole[name]["class_type"] for name in own}
        kind = str(error.get("exception_type", "ValueError")).rpartition(".")[2]
        assert not ours or kind in SAID, error
    assert server.system_stats()["system"]
    assert outside(server) == before


@pytest.fixture
def fuzz(server: "ComfyServer", demo: dict, object_info: dict):
    """Run this many drawn prompts; the same ones each time, for each number to begin from."""

    def run(number: int, begin: int = 0, every: bool = False) -> None:
        whole, own = (everything(demo), (*OWN, *MORE)) if every else (demo, OWN)

        @seed(begin)
        @settings(
            max_examples=number,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # three changes are few enough: a smaller case costs hours
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        )
        @given(changes())
        def each(wanted: list) -> None:
            run_one(server, whole, own, object_info, wanted)

        each()

    return run


@pytest.mark.parametrize("every", [False, True], ids=["demo", "every node"])
def test_a_fixed_set_of_odd_prompts_is_survived(fuzz, every: bool):
    fuzz(12, every=every)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("every", [False, True], ids=["demo", "every node"])
def test_ten_thousand_odd_prompts_are_survived(fuzz, every: bool):
    number, begin = os.environ.get("ELECT_FUZZ", 5_000), os.environ.get("ELECT_FUZZ_SEED", 0)
    fuzz(int(number), int(begin), every)
