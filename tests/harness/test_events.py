"""Binary websocket messages decode into previews."""

import json
import struct

import pytest

from elect_tino.harness.server.events import ODD, Event, decode, decode_binary


def test_plain_preview_keeps_the_picture():
    event = decode_binary(struct.pack(">II", 1, 1) + b"jpeg")
    assert (event.type, event.image) == ("preview", b"jpeg")


def test_preview_with_metadata_names_its_node():
    metadata = json.dumps({"node_id": "7", "prompt_id": "p"}).encode()
    event = decode_binary(struct.pack(">II", 4, len(metadata)) + metadata + b"png")
    assert (event.node, event.prompt_id, event.image) == ("7", "p", b"png")


def test_a_line_of_text_names_its_node():
    event = decode_binary(struct.pack(">II", 3, 2) + b"12" + b"loss 0.5")
    assert (event.type, event.node, event.data["text"]) == ("text", "12", "loss 0.5")


def test_other_binary_kinds_are_not_previews():
    assert decode_binary(struct.pack(">I", 9) + b"more").type == "binary"


@pytest.mark.parametrize(
    "message",
    [
        "null",
        "[]",
        '"executing"',
        "{",
        '{"data": {}}',
        '{"type": null}',
        "[" * 100_000,
        b"",
        b"\0",
        struct.pack(">II", 4, 3) + b"nul",
        struct.pack(">I", 3),
        struct.pack(">II", 3, 1) + b"\xff",
    ],
    ids=lambda message: repr(message)[:20],
)
def test_what_is_not_comfyuis_does_not_end_the_listening(message):
    assert decode(message).type == ODD


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_data_that_are_no_object_are_none(data):
    event = decode(json.dumps({"type": "executing", "data": data}))
    assert event == Event("executing", {})
    assert (event.node, event.prompt_id) == (None, None)
    metadata = json.dumps(data).encode()
    preview = decode(struct.pack(">II", 4, len(metadata)) + metadata + b"png")
    assert preview == Event("preview", {}, b"png")
