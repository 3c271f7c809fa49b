"""What a server's bad moment costs: that answer, and no more."""

import math

import numpy as np
import pytest

from elect_tino.judging import chat
from elect_tino.judging.endpoint import Endpoint, Settings
from elect_tino.judging.question import Question, Unanswered, Wordless
from elect_tino.judging.rubrics import PAPER
from elect_tino.judging.verdicts import judge, judge_all

from .chat_server import RIGHT, Answer, ChatServer, Handler, completion, fails, says

SOURCE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
EDITED = SOURCE[::-1].copy()
QUESTION = Question("rate it", (SOURCE, EDITED), {"type": "object"})


def endpoint(server: ChatServer, **given) -> Endpoint:
    quick = {"timeout": 5.0, "retries": 0, "pause": 0.01}
    return Endpoint(Settings(server.url, **{**quick, **given}))


def test_a_question_that_no_form_helps_leaves_the_full_form_for_the_next():
    """A picture too large for a model, say: the schema is not to blame."""
    refusals: list[Answer] = [fails(400, "too long for this model")] * len(chat.FORMS)
    with ChatServer(*refusals, says(RIGHT)) as server:
        model = endpoint(server)
        with pytest.raises(Unanswered, match="too long for this model"):
            model.ask(QUESTION)
        model.ask(QUESTION)
    assert len(server.questions) == len(chat.FORMS) + 1
    assert set(chat.FORMS[0]) <= server.questions[-1].keys()


def test_an_unknown_model_is_told_with_those_that_the_server_has():
    with (
        ChatServer(fails(404, "model not found")) as server,
        pytest.raises(Unanswered, match=r"check base_url and model .* It has: tiny-vlm, other$"),
    ):
        endpoint(server, model="nope").ask(QUESTION)


def test_a_server_that_lists_nothing_makes_no_list_of_it():
    with ChatServer(fails(404, "model not found")) as server:
        server.models = []
        with pytest.raises(Unanswered, match=r"model not found\)$"):
            endpoint(server, model="nope").ask(QUESTION)


@pytest.mark.parametrize("bad", [says(""), says(RIGHT, finish="length")])
def test_one_answer_of_no_use_costs_that_candidate_alone(bad: Answer):
    with ChatServer(says(RIGHT), bad, says(RIGHT)) as server:
        model = endpoint(server)
        each = lambda edit: judge(model, PAPER, SOURCE, edit, "x")  # noqa: E731
        verdicts = judge_all(each, [EDITED] * 3, keep_going=True)
    assert [one.scored for one in verdicts] == [True, False, True]
    assert math.isnan(verdicts[1].overall)
    assert verdicts[1].unscored
    with ChatServer(bad) as server, pytest.raises(Wordless):
        endpoint(server).ask(QUESTION)


def test_a_key_that_a_server_says_back_is_in_no_reason_and_no_name(monkeypatch):
    monkeypatch.setenv("TEST_API_KEY", "sk-very-secret")

    def tells(handler: Handler, body: dict) -> None:
        said = RIGHT.replace("done well", f"you sent {handler.headers['Authorization']}")
        handler.send_json(200, completion(said))

    with ChatServer(tells) as server:
        server.models = ["sk-very-secret"]
        model = endpoint(server, key_variable="TEST_API_KEY")
        verdict = judge(model, PAPER, SOURCE, EDITED, "x")
        assert verdict.overall == 0.75
        assert verdict.reason == "you sent Bearer ***"
        assert "sk-very" not in repr(model) + model.name


def test_a_short_key_is_no_secret_and_spoils_no_numbers(monkeypatch):
    """Local servers take any word for a key: 1, EMPTY."""
    monkeypatch.setenv("TEST_API_KEY", "1")
    with ChatServer(says(RIGHT)) as server:
        model = endpoint(server, key_variable="TEST_API_KEY")
        assert judge(model, PAPER, SOURCE, EDITED, "x").overall == 0.75
