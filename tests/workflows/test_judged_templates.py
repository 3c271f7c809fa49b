"""The templates in which a model sees, with a real server that answers as the test wants."""

import base64
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from elect_tino.batch.places import find_places
from elect_tino.harness.workflows.stand_in import INSTRUCTION
from elect_tino.harness.workflows.summary import nodes_of, saved_images

from ..judging.chat_server import RIGHT, ChatServer, says

if TYPE_CHECKING:
    from elect_tino.harness.server.comfy_server import ComfyServer

pytestmark = pytest.mark.server
WORDS = '{"instructions": ["make the yellow triangle pink", "paint the yellow triangle pink"]}'


def judged(following: float, background: float, why: str = "fine") -> str:
    return (
        f'{{"reasoning": "{why}", "instruction_following": {following}, '
        f'"background_consistency": {background}}}'
    )


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer(says(RIGHT)) as running:
        yield running


@pytest.fixture
def asking(small: Callable[[str], dict], chat: ChatServer) -> Callable[[str], dict]:
    """A template, small, that asks the test's server."""

    def load(name: str) -> dict:
        prompt = small(name)
        for _, one in nodes_of(prompt, "VLMEndpoint"):
            one["inputs"] |= {"base_url": chat.url, "timeout": 20.0}
        return prompt

    return load


def elections(entry: dict) -> list[dict]:
    return [facts for out in entry["outputs"].values() for facts in out.get("elect", ())]


def texts(question: dict) -> str:
    return question["messages"][0]["content"][-1]["text"]


def pictures(question: dict) -> list[np.ndarray]:
    shown = [part for part in question["messages"][0]["content"] if part["type"] == "image_url"]
    coded = [part["image_url"]["url"].partition(",")[2] for part in shown]
    return [array_of(base64.b64decode(one)) for one in coded]


def array_of(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def saved(server: "ComfyServer", prompt: dict, entry: dict) -> np.ndarray:
    (file,) = (f for prefix, f in saved_images(prompt, entry).items() if "edited" in prefix)
    return array_of(server.view(file))


def test_a_models_words_are_elected_with_the_seeds(
    server: "ComfyServer", chat: ChatServer, asking: Callable[[str], dict]
):
    chat.answers = [says(WORDS)]
    (facts,) = elections(server.run(asking("elect_prompt_by_model")))
    assert facts["run_names"] == [
        INSTRUCTION,
        "make the yellow triangle pink",
        "paint the yellow triangle pink",
    ]
    assert [facts["runs"].count(number) for number in (1, 2, 3)] == [3, 3, 3]
    (question,) = chat.questions
    assert INSTRUCTION in texts(question)
    assert pictures(question)[0].shape == (128, 128, 3)


def test_a_good_edit_is_kept_and_no_second_election_is_held(
    server: "ComfyServer", chat: ChatServer, asking: Callable[[str], dict]
):
    """Though elections show their galleries, for which ComfyUI runs them in any branch."""
    chat.answers = [says(judged(1, 1))]
    prompt = asking("elect_judge_retry")
    entry = server.run(prompt)
    assert len(elections(entry)) == 1
    (question,) = chat.questions
    assert np.abs(saved(server, prompt, entry) - pictures(question)[1]).max() <= 1


def test_after_a_complaint_the_best_of_other_words_and_seeds_is_kept(
    server: "ComfyServer", chat: ChatServer, asking: Callable[[str], dict]
):
    again = [judged(0.5, 1), judged(1, 1), judged(0.5, 0.5)]
    chat.answers = [*map(says, (judged(0, 1, "still yellow"), WORDS, *again))]
    prompt = asking("elect_judge_retry")
    entry = server.run(prompt)
    first, *anew = sorted(elections(entry), key=lambda facts: facts["seeds"][0])
    assert first["seeds"] == [0, 1, 2]
    assert [facts["seeds"] for facts in anew] == [[1000, 1001, 1002]] * 3
    assert len(chat.questions) == 5
    assert "still yellow" in texts(chat.questions[1])
    kept = saved(server, prompt, entry)
    assert np.abs(kept - pictures(chat.questions[3])[1]).max() <= 1
    for number in (0, 2, 4):
        assert np.abs(kept - pictures(chat.questions[number])[1]).max() > 1


@pytest.mark.parametrize("name", ["elect_prompt_by_model", "elect_judge_retry"])
def test_many_pictures_can_be_put_through_it(name: str, small: Callable[[str], dict]):
    """Picture, instruction and result are found without being named."""
    prompt = small(name)
    found = find_places(prompt)
    filled = found.filled({"picture": "mine.png", "instruction": "remove the star"})
    given = [value for one in filled.values() for value in one["inputs"].values()]
    assert given.count("mine.png") == given.count("remove the star") == 1
    assert prompt[found.result]["class_type"] == "SaveImage"
