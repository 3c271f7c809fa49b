"""The judging nodes in the real ComfyUI, with a real server that answers as the test wants."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from elect_tino.harness.server.client import ExecutionFailed

from ..judging.chat_server import RIGHT, ChatServer, late, says

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server


def node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def paper(following: float, background: float, why: str = "fine") -> str:
    return (
        f'{{"reasoning": "{why}", "instruction_following": {following}, '
        f'"background_consistency": {background}}}'
    )


def endpoint(url: str, **given: object) -> dict:
    settings = {
        "model": "",
        "timeout": 10.0,
        "retries": 0,
        "max_megapixels": 1.0,
        "max_tokens": 256,
        "key_variable": "",
        "allow_public": False,
    }
    return node("VLMEndpoint", base_url=url, **{**settings, **given})


def judge(**given: object) -> dict:
    rules = {
        "rubric": "paper",
        "both_orders": False,
        "break_ties": False,
        "good_from": 0.5,
        "on_failure": "stop",
        "free_after": False,
    }
    wires = {"source": ["source", 0], "edited": ["edited", 0], "vlm": ["vlm", 0]}
    return node("EditJudge", **{"instruction": "make it red", **rules, **wires, **given})


def pictures(num: int = 2) -> dict:
    size = {"width": 64, "height": 64}
    # Another colour each time, since ComfyUI keeps what it has judged.
    colour = time.monotonic_ns() % 2**24
    return {
        "source": node("EmptyImage", batch_size=1, color=0, **size),
        "edited": node("EmptyImage", batch_size=num, color=colour, **size),
    }


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer(says(RIGHT)) as running:
        yield running


def test_judges_a_batch_and_shows_why(server: "ComfyServer", chat: ChatServer):
    chat.answers = [says(paper(0, 1, "nothing is red")), says(paper(1, 1, "red now"))]
    entry = server.run({**pictures(), "vlm": endpoint(chat.url), "judge": judge()})
    (text,) = entry["outputs"]["judge"]["text"]
    lines = text.splitlines()
    assert lines[0].startswith("judged by tiny-vlm at 127.0.0.1, rubric paper")
    assert lines[1].split()[:2] == ["2", "1.000"]
    assert lines[3].split()[:2] == ["1", "0.500"]
    assert lines[3].endswith("rejected")
    assert len(chat.questions) == 2


def test_a_dead_server_is_an_error_that_names_the_cure_or_leaves_all_unjudged(
    server: "ComfyServer",
):
    with ChatServer(says(RIGHT)) as gone:
        vlm = endpoint(gone.url, model="m")
    prompt = {**pictures(), "vlm": vlm, "judge": judge()}
    with pytest.raises(ExecutionFailed, match="no connection .*base_url") as failed:
        server.run(prompt)
    assert failed.value.node_type == "EditJudge"
    prompt["judge"] = judge(on_failure="unjudged")
    (text,) = server.run(prompt)["outputs"]["judge"]["text"]
    assert text.count("unscored") == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://8.8.8.8/v1"}, "base_url: 8.8.8.8 is outside"),
        ({"url": "file:///etc/passwd"}, "base_url: expected something like"),
        ({"url": "http://127.0.0.1", "key_variable": "PATH"}, "key_variable: expected the name"),
        ({"url": "http://127.0.0.1", "key_variable": "NO_API_KEY"}, "NO_API_KEY is not set"),
    ],
)
def test_bad_addresses_and_keys_are_refused(server: "ComfyServer", given: dict, why: str):
    prompt = {**pictures(), "vlm": endpoint(**given), "judge": judge()}
    with pytest.raises(ExecutionFailed, match=why):
        server.run(prompt)


def test_interrupt_is_heard_while_the_model_thinks(server: "ComfyServer", chat: ChatServer):
    from elect_tino.harness.server.client import ExecutionInterrupted

    chat.answers = [late(20)]
    prompt = {**pictures(), "vlm": endpoint(chat.url, timeout=60.0), "judge": judge()}
    number = server.submit(prompt)
    while not chat.questions:
        time.sleep(0.05)
    server.interrupt()
    began = time.monotonic()
    with pytest.raises(ExecutionInterrupted):
        server.wait(number)
    assert time.monotonic() - began < 10


def test_retry_runs_only_when_the_first_is_not_good(server: "ComfyServer", chat: ChatServer):
    """The second branch asks a model for words, which so knows whether it ran."""
    for answer, asked in ((paper(1, 1), 1), (paper(0, 1, "not red"), 2)):
        chat.seen.clear()
        chat.turns = 0
        chat.answers = [says(answer), says('{"instructions": ["paint it red"]}')]
        prompt = {
            **pictures(1),
            "vlm": endpoint(chat.url, timeout=10.0 + asked),
            "judge": judge(),
            "words": node(
                "InstructionVariants",
                instruction="make it red",
                own_variants="",
                num_from_model=1,
                vlm=["vlm", 0],
                complaint=["judge", 5],
            ),
            "kept": node("KeepOrRetry", result="first", good=["judge", 1], retry=["words", 1]),
            "shown": node("PreviewAny", source=["kept", 0]),
        }
        outputs = server.run(prompt)["outputs"]
        assert len(chat.questions) == asked
        wanted = "first" if asked == 1 else "make it red\npaint it red"
        assert outputs["shown"]["text"] == [wanted]
    assert "not red" in chat.questions[1]["messages"][0]["content"][-1]["text"]


def test_variants_are_mapped_over(server: "ComfyServer", chat: ChatServer):
    variants = node(
        "InstructionVariants",
        instruction="make it red",
        own_variants="paint it red",
        num_from_model=0,
    )
    prompt = {
        **pictures(1),
        "vlm": endpoint(chat.url),
        "variants": variants,
        "judge": judge(instruction=["variants", 0]),
    }
    server.run(prompt)
    asked = [body["messages"][0]["content"][-1]["text"] for body in chat.questions]
    assert [('"make it red"' in text, '"paint it red"' in text) for text in asked] == [
        (True, False),
        (False, True),
    ]


def test_a_judge_overrules_the_background_by_its_weight(
    server: "ComfyServer", chat: ChatServer, demo: dict
):
    """Three candidates; the judge likes the one that the election puts last."""
    plain = server.run(demo)
    (facts,) = [out["elect"][0] for out in plain["outputs"].values() if "elect" in out]
    worst = facts["order"][-1]
    chat.answers = [says(paper(1, 1) if i == worst else paper(0, 0.5)) for i in range(3)]
    prompt = {
        **demo,
        "pictures": node("VAEDecode", samples=["estimates", 0], vae=["model", 2]),
        "vlm": endpoint(chat.url),
        "judge": judge(source=["picture", 0], edited=["pictures", 0], vlm=["vlm", 0]),
    }
    for weight, first in ((0.0, facts["order"][0]), (1.0, worst)):
        given = {"judged": ["judge", 0], "judge_weight": weight, "minimum_edit": 0.0}
        prompt["elected"] = node("BISSelect", **{**demo["elected"]["inputs"], **given})
        entry = server.run(prompt)
        (told,) = [out["elect"][0] for out in entry["outputs"].values() if "elect" in out]
        assert told["elected"] == first
        assert told["judged"][worst] == 1.0
    assert len(chat.questions) == 3  # judged once, whatever the weight
