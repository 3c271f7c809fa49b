"""Pictures on their way to a model: rounded, made small enough, put side by side."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from elect_tino.judging.endpoint import Endpoint, Settings
from elect_tino.judging.pictures import as_bytes, at_most
from elect_tino.judging.question import Question

from .chat_server import ChatServer, says


def test_values_are_rounded_and_cut_to_a_byte_and_alpha_is_left_out():
    picture = np.array([[[-0.5, 0.5, 1.5, 0.3], [1 / 255, 1.4 / 255, 1.6 / 255, 1]]])
    assert as_bytes(picture).tolist() == [[[0, 128, 255], [1, 1, 2]]]


@pytest.mark.parametrize("size", [(400, 100), (100, 400), (300, 200)])
def test_a_large_picture_is_brought_under_the_limit_in_its_proportions(size):
    small = at_most(np.full((*size, 3), 7, np.uint8), 10_000)
    height, width = small.shape[:2]
    assert 9_000 < height * width <= 10_000
    assert height / width == pytest.approx(size[0] / size[1], rel=0.03)
    assert (small == 7).all()


def test_a_picture_at_the_limit_is_left_as_it_is():
    picture = np.zeros((100, 100, 3), np.uint8)
    assert at_most(picture, 10_000) is picture


def test_a_server_is_sent_no_larger_picture_than_was_set():
    picture = np.zeros((200, 300, 3), np.uint8)
    with ChatServer(says("yes")) as server:
        model = Endpoint(Settings(server.url, max_pixels=15_000))
        assert model.yes(Question("Is it dark?", (picture,))) == 1.0
        (body,) = server.questions
    coded = body["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2]
    assert Image.open(io.BytesIO(base64.b64decode(coded))).size == (150, 100)
