"""`transformers serve` with a small random model of a real architecture: the protocol as it is.

What a random model says is noise; that it is asked, answers, and makes no score of noise is not.
"""

import importlib.util
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import requests

from elect_tino.judging import chat
from elect_tino.judging.endpoint import Endpoint, Settings
from elect_tino.judging.question import Question, Unanswered
from elect_tino.judging.rubrics import PAPER
from elect_tino.judging.verdicts import judge, judge_all

from ..nodes.judging.test_local_vlm import save_small_vlm

NEEDED = ("fastapi", "openai", "uvicorn")
LACKING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.comfy,
    pytest.mark.skipif(bool(LACKING), reason=f"transformers[serving] is not whole: {LACKING}"),
]
PICTURE = np.full((56, 84, 3), 128, np.uint8)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_vlm(tmp_path_factory.mktemp("llm") / "small-vlm")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The server's address, with the model loaded; without network."""
    port = free_port()
    code = "from transformers.cli.transformers import main; main()"
    given = ["serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    log = (folder.parent / "serve.log").open("wb")
    running = subprocess.Popen(
        [sys.executable, "-c", code, *given], env=env, stdout=log, stderr=log
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", running, folder.parent / "serve.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait(20)
        log.close()


def wait_for(url: str, running: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert running.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    pytest.fail(f"transformers serve does not answer: {log.read_text(errors='replace')[-2000:]}")


def endpoint(url: str, folder: Path, **given: object) -> Endpoint:
    settings = {"model": str(folder), "retries": 0, "max_tokens": 16, "timeout": 60.0, **given}
    return Endpoint(Settings(url, **settings))  # type: ignore[arg-type]


def test_it_lists_models(url: str, folder: Path):
    assert isinstance(endpoint(url, folder).models(), list)


def test_what_is_sent_is_understood_and_what_comes_back_is_read(url: str, folder: Path):
    """Random words go on to the longest answer: that is an answer cut off."""
    question = Question("Which is red?", (PICTURE, PICTURE // 2), None, 16)
    sent = chat.body(str(folder), question, chat.FORMS[-1], 10**6)
    sent["max_tokens"] = 16
    answer = requests.post(f"{url}/chat/completions", json=sent, timeout=120)
    assert answer.ok, answer.text
    reply = chat.read_reply(answer.json())
    assert reply.text
    assert reply.cut


def test_an_answer_cut_off_is_no_answer(url: str, folder: Path):
    """Asked with schema, temperature and all, of which the server takes what it knows."""
    question = Question("Which is red?", (PICTURE,), {"type": "object"}, 16)
    with pytest.raises(Unanswered, match="cut off"):
        endpoint(url, folder).ask(question)


def test_noise_is_never_made_a_score(url: str, folder: Path):
    """No score, or none at all: what could not be read, or was cut off."""
    each = partial(judge, endpoint(url, folder), PAPER, PICTURE, instruction="make it darker")
    (verdict,) = judge_all(lambda edit: each(edited=edit), [PICTURE // 2], keep_going=True)
    assert math.isnan(verdict.overall)
    assert verdict.unscored
