"""Binary websocket messages decode into previews."""

import json
import struct

from elect_tino.harness.server.events import decode_binary


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
