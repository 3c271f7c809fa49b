"""Prompts that no person would write: the server lives, says which input is wrong, and writes
nothing outside its output and temp folders.

The demo's prompt, one of nearly every ELECT node, one of TiNO-Edit's and one of the nodes beside
them, with up to three inputs of the pack's nodes changed: widgets and sockets get values of every
kind and size, and every input wires from any output; in half of the prompts, values within range
and wires of the right type. A fixed set of them in every run, 2,500 of each with ``-m slow`` (or as
many as ELECT_FUZZ says; others with another ELECT_FUZZ_SEED).
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from elect_tino.harness.server.client import ExecutionFailed, PromptRejected
from elect_tino.harness.server.comfy_server import PACK_LINK

from .every_way import everything
from .odd_ways import beside_ways, tino_ways

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server

OWN = ("candidates", "estimates", "relevance", "elected", "resumed")
WAYS: dict[str, tuple[str, Callable[[dict], dict], tuple[str, ...]]] = {
    "demo": ("demo", lambda demo: demo, OWN),
    "every node": (
        "demo",
        everything,
        (
            *(*OWN, "varied", "pool", "again", "region", "otherwise", "clean"),
            *("further", "kept", "raced", "whole"),
        ),
    ),
    "TiNO-Edit": (
        "tino",
        tino_ways,
        (
            *("model", "picture", "latent_clip", "latent_vgg", "mask", "tino"),
            *("preset", "reward", "found", "joined", "second"),
        ),
    ),
    "beside": (
        "demo",
        beside_ways,
        ("model", "picture", "vlm", "judge", "variants", "kept_or", "size", "defaults", "laid"),
    ),
}
"""The template each prompt begins with, what is made of it, and the nodes that are changed."""
SAID = {"ValueError", "PromptRejected", "Unanswered"}
"""Errors that are meant for people."""
_FEW = {
    **{"num_candidates": 8, "steps": 40, "iterations": 2, "num_steps": 4, "gradient_steps": 4},
    **{"tries": 3, "timeout": 2, "retries": 1, "megapixels": 1},
}
"""Larger values are taken down to these: the tests look for crashes, not for patience."""

values = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-3, 12),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-0.5, 1.5),
    st.booleans(),
    st.text(max_size=40),
    st.sampled_from(["", "1,2,3", "../../x", "a/../../b", "\0", "\u0663", "1e9", "elect/\n", "%"]),
    st.none(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@st.composite
def changes(draw: Any) -> list[tuple[int, int, Any]]:
    """Which of the pack's nodes, which of its inputs (both by a number), and what it gets."""
    number = draw(st.integers(1, 3))
    wire = st.tuples(st.just("wire"), st.integers(0, 30), st.integers(0, 5))
    fits = st.tuples(st.just("fits"), st.floats(0, 1))
    value = draw(st.sampled_from([fits, st.one_of(values, wire, fits)]))
    one = st.tuples(st.integers(0, 30), st.integers(0, 40), value)
    return [draw(one) for _ in range(number)]


def fitting(info: list, share: float, prompt: dict, object_info: dict) -> Any:
    """A value that this input takes, or a wire from an output of its type: none, where none is.

    share: 0 to 1, which of them
    """
    kind, more = info[0], info[1] if len(info) > 1 else {}
    if kind in ("INT", "FLOAT"):
        low, high = more.get("min", 0), more.get("max", 1)
        value = low + (high - low) * share**3
        return round(value) if kind == "INT" else value
    if kind == "BOOLEAN":
        return share < 0.5
    several = kind if isinstance(kind, list) else more.get("options", [])
    if not several:
        outputs = {one: object_info[prompt[one]["class_type"]]["output"] for one in sorted(prompt)}
        several = [[one, n] for one in outputs for n, of in enumerate(outputs[one]) if of == kind]
    return several[min(int(share * len(several)), len(several) - 1)] if several else None


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
        if isinstance(value, tuple) and value[0] == "fits":
            asked = info.get("required", {}) | info.get("optional", {})
            value = fitting(asked[name], value[1], prompt, object_info)
        elif isinstance(value, tuple):
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
def fuzz(server: "ComfyServer", object_info: dict, request: pytest.FixtureRequest):
    """Run this many drawn prompts; the same ones each time, for each number to begin from."""

    def run(way: str, number: int, begin: int = 0) -> None:
        template, make, own = WAYS[way]
        whole = make(request.getfixturevalue(template))

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


@pytest.mark.parametrize("way", WAYS)
def test_a_prompt_runs_while_nothing_is_changed(
    server: "ComfyServer", way: str, request: pytest.FixtureRequest
):
    template, make, _ = WAYS[way]
    server.run(make(request.getfixturevalue(template)), timeout=120)


@pytest.mark.parametrize("way", WAYS)
def test_a_fixed_set_of_odd_prompts_is_survived(fuzz, way: str):
    fuzz(way, 12)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("way", WAYS)
def test_ten_thousand_odd_prompts_are_survived(fuzz, way: str):
    number, begin = os.environ.get("ELECT_FUZZ", 2_500), os.environ.get("ELECT_FUZZ_SEED", 0)
    fuzz(way, int(number), int(begin))
